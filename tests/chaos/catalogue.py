"""All faults, in the order in which they are played."""

from tests.chaos.fault import Fault
from tests.chaos.faults.broker_kill import BrokerKill
from tests.chaos.faults.full_disk import FullDisk
from tests.chaos.faults.network_cut import NetworkCut
from tests.chaos.faults.process_kill import ProcessKill
from tests.chaos.faults.retention import TrainerRetention, WorkerRetention
from tests.chaos.faults.second_trainer import SecondTrainer
from tests.chaos.faults.stepped_clock import SteppedClock
from tests.chaos.faults.trainer_pause import TrainerPause
from tests.chaos.faults.waking_trainer import WakingTrainer
from tests.chaos.faults.worker_zombie import WorkerZombie

FAULTS: tuple[Fault, ...] = (
    ProcessKill("worker"),
    ProcessKill("trainer"),
    ProcessKill("consumer"),
    WorkerZombie(),
    TrainerPause(),
    WakingTrainer(),
    SecondTrainer(has_own_folder=False),
    SecondTrainer(has_own_folder=True),
    FullDisk(),
    SteppedClock(),
    WorkerRetention(),
    TrainerRetention(),
    BrokerKill("kafka"),
    NetworkCut(),
    BrokerKill("three nodes"),
)
# In one run, on whichever broker there is: as much as two minutes hold.
SHORT: tuple[Fault, ...] = (ProcessKill("worker"), ProcessKill("trainer"), WorkerZombie())
