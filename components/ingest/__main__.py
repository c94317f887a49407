"""`python -m components.ingest`: the stage from a command line or from Kubeflow."""

from components.ingest.classification import run as classification
from components.ingest.classification.config import IngestClassificationConfig
from components.ingest.config import IngestConfig
from components.ingest.look import look
from components.ingest.look_config import LookConfig, RecordConfig
from components.ingest.record import record
from components.ingest.run import run
from components.ingest.squad import run as squad
from components.ingest.squad.config import IngestSquadConfig
from components.shared.stage.start import main

if __name__ == "__main__":
    main(
        IngestConfig,
        run,
        commands={
            "classification": (IngestClassificationConfig, classification.run),
            "look": (LookConfig, look),
            "record": (RecordConfig, record),
            "squad": (IngestSquadConfig, squad.run),
        },
    )
