//! Where the brokers are, and what is set on every client.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::log::{ConsumerOptions, TopicConfig};

/// What Kafka and the queue may add to a record: batch framing, headers of retries and dead letters.
pub(super) const HEADROOM: usize = 64 << 10;

/// How to reach a Kafka cluster.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// `host:port` of some brokers, separated by commas.
    pub servers: String,
    /// Names this process to the brokers; each client adds a number of its own. Default `denrei`.
    pub client_id: String,
    /// How long an append may take, retries included, before it is reported as failed. Default 30 s.
    pub delivery_timeout: Duration,
    /// Copies of each record of a topic that is created here. Default: what the broker is configured with.
    pub replication: Option<i32>,
    /// How long a member may be silent before its partitions are given to others. Default 6 s.
    pub session_timeout: Duration,
    /// Codec of what is appended: `none`, `gzip`, `snappy`, `lz4` or `zstd`. Default `lz4`.
    pub compression: String,
    /// Largest record (key, value and headers) that is appended. Default 1 MiB.
    pub max_record_bytes: usize,
    /// Where timers are kept while they wait: below this directory each log makes one of its own (`denrei-timers-…`, for this user
    /// alone) when it is assigned a partition, and removes it with the last; one that a killed process has left behind is removed by
    /// the next. It holds what the timers of its partitions carry, is filled from the topic at each assignment, and need not outlive
    /// the process: any local disk with room for them will do. One that cannot be written to is refused by
    /// [`KafkaLog::new`](super::KafkaLog::new). Read at start, not again. Default: the system's directory for temporary files, which
    /// is in memory on some systems; name another one there.
    pub timers_dir: Option<PathBuf>,
    /// Anything else that librdkafka is to be told (TLS and SASL, for instance); it wins over what is set here.
    pub extra: BTreeMap<String, String>,
}

impl KafkaOptions {
    /// The defaults, for the cluster at `servers`.
    #[must_use]
    pub fn new(servers: impl Into<String>) -> Self {
        Self {
            servers: servers.into(),
            client_id: "denrei".to_owned(),
            delivery_timeout: Duration::from_secs(30),
            replication: None,
            session_timeout: Duration::from_secs(6),
            compression: "lz4".to_owned(),
            max_record_bytes: TopicConfig::MAX_RECORD_BYTES,
            timers_dir: None,
            extra: BTreeMap::new(),
        }
    }

    /// What every client is told.
    pub(super) fn base(&self, role: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.servers)
            .set("client.id", format!("{}-{role}", self.client_id))
            .set("allow.auto.create.topics", "false")
            // How soon a topic that appears, grows or goes is noticed.
            .set("topic.metadata.refresh.interval.ms", "2000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("log_level", "3");
        config
    }

    pub(super) fn finish(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.extra {
            config.set(name, value);
        }
        config
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.base("producer");
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("compression.type", &self.compression)
            .set("linger.ms", "2")
            .set("message.timeout.ms", self.delivery_timeout.as_millis().to_string())
            .set("message.max.bytes", (self.max_record_bytes + 4 * HEADROOM).to_string())
            .set("queue.buffering.max.kbytes", "65536");
        self.finish(config)
    }

    pub(super) fn consumer(&self, options: &ConsumerOptions) -> ClientConfig {
        let mut config = self.base(&options.member);
        config
            .set("group.id", options.group.as_str())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", self.session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", (self.session_timeout.as_millis() / 4).to_string())
            // A queue that is full waits this long before it fetches again. The default of a second makes librdkafka
            // a tenth as fast as it is.
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.message.max.bytes", "1048576")
            .set("queued.min.messages", "20000")
            .set("queued.max.messages.kbytes", (options.fetch_bytes / 1024).max(1).to_string())
            .set("fetch.wait.max.ms", "100");
        self.finish(config)
    }

    /// A consumer that reads what it is told and belongs to no group.
    pub(super) fn reader(&self, role: &str) -> ClientConfig {
        let mut config = self.base(role);
        config
            .set("group.id", format!("{}-{role}", self.client_id))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .set("fetch.queue.backoff.ms", "5")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.wait.max.ms", "10");
        self.finish(config)
    }
}
