"""One tree of all errors that a person can act on. Imports nothing, so that what catches them stays light.

`mmbind` says the message of any of them and ends with its exit code; every other exception is a bug, with a traceback.
Where a caller may know it as one of Python's own, it is that one too::

    MmbindError                       exit code 1: it failed
        BundleError                   encoders.bundle: a file of a model is not what its manifest says
            BundleConflict            ... the version is there with other contents
        OnnxMissing                   encoders.onnx_model: onnxruntime or onnx is not installed; an ImportError
        NoBridge                      encoders.bridge: embeddings that cannot be carried over to a version; a ValueError
        InvalidRecord                 streams.messages.rejects: a record that cannot be used, and why
        BrokerUnreachable             streams.broker.connection: the step that fails; a ConnectionError
        LogError                      streams.broker.log: a topic that cannot be read to its end; a ConnectionError
            TopicMissing              ... it is not there
        ClosedError, TlsError         streams.broker.protocol: what a broker does instead of answering; ConnectionErrors
        TopicsError                   streams.broker.topics: the topics are not as the settings want them
        RegistryAway                  streams.models.registry: the store cannot be reached; an OSError
        PortTaken                     streams.service.health: another process listens there; an OSError
        FilesUnusable                 streams.models.tries: files are not as the manifest says; stays in that package
        PassedOver                    streams.models.tries: another version is wanted by now; no failure
        UnknownModality               streams.client: samples of a modality that there is not; a ValueError
        NoModelYet                    streams.models.serving: asked before the first version; a RuntimeError
        RowsGone                      streams.history.store: a stream outran whoever follows it
        DataGone                      trainer.topics.bindings: the broker lost its data
        BindProcessError              streams.worker.bind_process: the process that binds has ended; a RuntimeError
        FolderInUse                   streams.service.folder_lock: another process works there
        NotTheOwner                   trainer.topics.publishing: somebody else published what this does not go on from
        RankLost                      trainer.parallel.wire: another process of the training is gone
        CannotRetrace                 trainer.retraining.course: a version cannot be trained again from what is kept
        AnotherTrainer                trainer.training: another trainer has the partitions
        BrokerError                   deploy.machine.brokers: a broker of this machine cannot be started
        ServiceError                  deploy.demo.services: a service of the demo did not do its part
        CommandError                  deploy.errors: a command cannot do what it was asked
        UsageError                    exit code 2: what was given is wrong
            ConfigError               deploy.settings.config: the settings
            CheckpointError           trainer.checkpoints.checkpoint: a checkpoint that does not fit them, or is broken
                CheckpointTooNew      ... a later release wrote it
            KeysError                 streams.messages.signature: a file of keys
            TableError                deploy.tables.table: a file of raw samples
            RecordingError            deploy.recordings.recordings: a recording
            WrongInput                deploy.errors: an argument, or what was given to send
"""


class MmbindError(Exception):
    """Something that a person can act on; the message is for that person."""

    exit_code = 1


class UsageError(MmbindError):
    """What a person gave is not what was wanted: doing the same again fails again."""

    exit_code = 2
