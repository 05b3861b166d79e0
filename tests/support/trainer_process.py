"""Runs the trainer as a process of its own: `python -m tests.support.trainer_process SETTINGS.json TRAINER.json`."""

import logging
import sys
from pathlib import Path

from streams.broker.connection import calm_client_logs
from streams.settings import StreamSettings
from trainer.service import run_trainer
from trainer.settings import TrainerSettings

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s: %(message)s")
    calm_client_logs()
    settings, trainer = (Path(name).read_bytes() for name in sys.argv[1:3])
    sys.exit(run_trainer(StreamSettings.model_validate_json(settings), TrainerSettings.model_validate_json(trainer)))
