//! Tries whether a RabbitMQ can be used, without traces: for `chatchit doctor`.

use super::{
    BrokerError,
    link::{Link, LinkError, PATIENCE, within},
    settings::address_of,
};
use crate::random;
use lapin::{
    BasicProperties, Confirmation, ExchangeKind,
    options::{
        BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// The greeting of a client of AMQP 0-9-1.
const GREETING: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
/// What precedes the version among the properties of the server: a short name, and the type of a long text.
const VERSION: &[u8] = b"\x07versionS";
/// The most bytes of the answer to the greeting that are read.
const ANSWER: usize = 64 * 1_024;

/// A failed probe: what was tried, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ProbeError {
    /// The step, such as "connect".
    pub what: &'static str,
    /// The cause, without the URL.
    pub why: String,
}

/// Connects; declares an exchange and an exclusive queue, binds them, and publishes a message that is confirmed. Both are
/// removed at once. Returns the version of the server, unless the connection is encrypted.
///
/// # Errors
/// [`ProbeError`] after at most 5 s a step.
pub async fn probe(url: &str, namespace: &str) -> Result<Option<String>, ProbeError> {
    let failed = |what| move |error: LinkError| ProbeError { what, why: error.to_string() };
    let address = address_of(url).map_err(|error: BrokerError| ProbeError { what: "URL", why: error.to_string() })?;
    let version = timeout(PATIENCE, version(&address)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut));
    let version = version.flatten().map_err(|error| ProbeError { what: "connect", why: error.to_string() })?;
    let link = Link::connect(&address, "chatchit doctor").await.map_err(failed("sign in"))?;
    let tried = async {
        let channel = link.channel().await.map_err(failed("open a channel"))?;
        let name = format!("{namespace}.doctor.{:016x}", random::bits());
        let (none, options) =
            (FieldTable::default(), ExchangeDeclareOptions { auto_delete: true, ..Default::default() });
        let declared = channel.exchange_declare(name.clone().into(), ExchangeKind::Topic, options, none.clone());
        within("declare", declared).await.map_err(failed("declare an exchange"))?;
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let declared = channel.queue_declare(name.clone().into(), options, none.clone());
        within("declare", declared).await.map_err(failed("declare a queue"))?;
        let names = || name.clone().into();
        let bound = channel.queue_bind(names(), names(), "probe".into(), QueueBindOptions::default(), none);
        within("bind", bound).await.map_err(failed("bind a queue"))?;
        let confirmed = channel.confirm_select(ConfirmSelectOptions::default());
        within("confirm", confirmed).await.map_err(failed("publish"))?;
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let published = channel.basic_publish(names(), "probe".into(), options, b"", BasicProperties::default());
        let confirm = within("publish", published).await.map_err(failed("publish"))?;
        let confirm = within("publish", confirm).await.map_err(failed("publish"))?;
        if !matches!(confirm, Confirmation::Ack(None)) {
            return Err(ProbeError { what: "publish", why: "RabbitMQ refused or returned the message".to_owned() });
        }
        let deleted = channel.exchange_delete(names(), ExchangeDeleteOptions::default());
        within("delete", deleted).await.map_err(failed("delete an exchange"))
    };
    let tried = tried.await;
    link.cut();
    tried.map(|()| version)
}

/// The version that the server announces in its answer to the greeting; `None` over TLS, or when it announces none.
async fn version(address: &AMQPUri) -> io::Result<Option<String>> {
    let (host, port) = (address.authority.host.as_str(), address.authority.port);
    let mut stream = TcpStream::connect((host, port)).await?;
    if address.scheme == AMQPScheme::AMQPS {
        return Ok(None);
    }
    stream.write_all(GREETING).await?;
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    if head[0] != 1 || length > ANSWER {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "this is no RabbitMQ: it does not answer in AMQP 0-9-1",
        ));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    Ok(announced(&answer))
}

fn announced(answer: &[u8]) -> Option<String> {
    let at = answer.windows(VERSION.len()).position(|window| window == VERSION)? + VERSION.len();
    let length = u32::from_be_bytes(answer.get(at..at + 4)?.try_into().ok()?) as usize;
    let text = answer.get(at + 4..(at + 4).checked_add(length)?)?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::announced;

    #[test]
    fn the_version_is_found_among_the_properties() {
        let answer = b"\x00\x0a\x00\x0a..\x07productS\x00\x00\x00\x08RabbitMQ\x07versionS\x00\x00\x00\x06" as &[u8];
        let whole = [answer, b"3.10.8", b"\x00"].concat();
        assert_eq!(announced(&whole).as_deref(), Some("3.10.8"));
        for cut in 0..whole.len() - 1 {
            assert_eq!(announced(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(announced(b"\x07versionS\xff\xff\xff\xff"), None);
    }
}
