"""Pairs shuffled on a broker: each gets a last word with partners of other sources, and nothing else of it changes."""

from pathlib import Path

from kafka import KafkaProducer

from benchmarks.rollout.sabotage import ROUND, Sabotage
from deploy.machine.brokers import Broker
from streams.broker.connection import producer_config
from streams.broker.log import read_all
from streams.messages.codec import encode
from streams.records import Binding
from tests.support.recorded import recorded
from tests.support.topics import installed
from tests.support.waiting import wait_until


def test_every_pair_gets_other_partners_of_other_sources(any_broker: Broker, prefix: str, tmp_path: Path) -> None:
    settings, record = installed(any_broker, prefix, tmp_path), recorded(n_slots=12)
    bound = [one for one in record.bindings if one.partners and not one.round]
    producer = KafkaProducer(**producer_config(settings.broker))
    for sample in record.samples.values():
        producer.send(f"{prefix}samples", encode(sample), key=sample.source_id.encode(), partition=0)
    producer.flush()
    with Sabotage(settings) as sabotage:
        wait_until(lambda: len(sabotage.sources) == len(record.samples), 30)
        for one in bound:
            producer.send(f"{prefix}pairs", encode(one), key=one.sample_id.encode(), partition=0)
        producer.flush()
        wait_until(lambda: sabotage.n_shuffled == len(bound), 30)
    producer.close()
    read = [one for message in read_all(settings.broker, f"{prefix}pairs") for one in message.decoded(Binding)[0]]
    wrong = {one.sample_id: one for one in read if one.round == ROUND}
    assert set(wrong) == {one.sample_id for one in bound}
    source = {sample.sample_id: sample.source_id for sample in record.samples.values()}
    for one in bound:
        partners = wrong[one.sample_id].partners
        assert [partner.probability for partner in partners] == [partner.probability for partner in one.partners]
        assert source[one.sample_id] not in {source[partner.sample_id] for partner in partners}
    assert any(wrong[one.sample_id].partners != one.partners for one in bound)
