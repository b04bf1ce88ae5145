//! Where the others reach this process.

use config::{Advertise, Config, is_private};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{UdpSocket, lookup_host};

/// The address that this process tells the others: as configured, or where it listens; where it listens everywhere, the
/// address from which it reaches the database. `None` when that is a public one.
pub async fn advertised(config: &Config, listens: SocketAddr) -> Option<SocketAddr> {
    let ip = match config.advertise {
        Advertise::At(address) => return Some(address),
        Advertise::No => return None,
        Advertise::Found if !listens.ip().is_unspecified() => listens.ip(),
        Advertise::Found => reaches_database(config, listens.ip()).await,
    };
    let ip = ip.to_canonical();
    if !is_private(ip) {
        tracing::info!(
            "the public address {ip} is not published: balance Socket.IO by client, or set ADVERTISE_ADDRESS"
        );
        return None;
    }
    Some(SocketAddr::new(ip, listens.port()))
}

/// The own address on the way to the database, which all processes reach; the loopback where it is a file.
async fn reaches_database(config: &Config, listens: IpAddr) -> IpAddr {
    let loopback = match listens {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    let Some((host, port)) = config.read_location().host() else { return loopback };
    let Ok(found) = lookup_host((host.as_str(), port)).await else { return loopback };
    // Who listens on IPv6 everywhere is reached over IPv4 as well.
    let Some(database) = found.into_iter().find(|address| listens.is_ipv6() || address.is_ipv4()) else {
        return loopback;
    };
    let any = match database {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    // Nothing is sent: connecting a datagram socket asks for the route alone.
    let own = async {
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(database).await?;
        socket.local_addr()
    };
    own.await.map_or(loopback, |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_published_address_is_configured_or_found_and_never_public() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let with = |advertise| Config { advertise, ..Config::default() };
        for (advertise, listens, want) in [
            (Advertise::Found, "127.0.0.1:8080", Some("127.0.0.1:8080")),
            (Advertise::Found, "10.1.2.3:8080", Some("10.1.2.3:8080")),
            (Advertise::Found, "0.0.0.0:8080", Some("127.0.0.1:8080")),
            (Advertise::Found, "[::]:8080", Some("[::1]:8080")),
            (Advertise::Found, "203.0.113.9:8080", None),
            (Advertise::At(at("10.0.0.9:80")), "0.0.0.0:8080", Some("10.0.0.9:80")),
            (Advertise::No, "127.0.0.1:8080", None),
        ] {
            assert_eq!(advertised(&with(advertise), at(listens)).await, want.map(at), "{advertise:?} {listens}");
        }
        let database_url = Some("postgres://u@127.0.0.1:5432/d".to_owned());
        let config = Config { database_url, ..Config::default() };
        assert_eq!(advertised(&config, at("0.0.0.0:80")).await, Some(at("127.0.0.1:80")));
    }
}
