//! Options from a configuration file, and what becomes of them on a socket.

use std::{net::SocketAddr, time::Duration};

use crate::server::{ServerError, ServerOptions, listener::bind};

#[test]
fn unknown_keys_and_zeroes_are_refused_and_the_rest_defaults() {
    let parse = serde_json::from_str::<ServerOptions>;
    let options = parse(r#"{"listen": ["[::1]:443"], "max_streams_per_connection": 7}"#).unwrap();
    assert_eq!((options.listen[0].port(), options.max_streams_per_connection.get()), (443, 7));
    assert_eq!(options.handshake_timeout(), Duration::from_secs(10));

    assert!(parse(r#"{"max_streams": 7}"#).unwrap_err().to_string().contains("unknown field"));
    assert!(parse(r#"{"workers": 0}"#).unwrap_err().to_string().contains("nonzero"));
}

#[test]
fn accepted_sockets_inherit_what_was_set_on_the_listener() {
    let options = ServerOptions { send_buffer: (48 * 1024).try_into().unwrap(), ..ServerOptions::default() };
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), &options).unwrap();
    listener.set_nonblocking(false).unwrap();
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let accepted = socket2::SockRef::from(&accepted);

    assert!(accepted.tcp_nodelay().unwrap() && accepted.keepalive().unwrap());
    // Linux doubles what it is asked for, for its own bookkeeping, and reports that.
    #[cfg(target_os = "linux")]
    {
        assert_eq!(accepted.send_buffer_size().unwrap(), 2 * 48 * 1024);
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let refused = bind(addr, &ServerOptions::default());
    assert!(matches!(refused, Err(ServerError::Listen { addr: named, .. }) if named == addr));
}
