//! TLS with certificates that the system does not know, against a server on loopback. The keys in this directory are only
//! for these tests.

use std::sync::Arc;

use genesys_cloud_core::{Client, ClientBuilder, ErrorKind, Method, Operation, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;

const ROOT: &str = include_str!("root.pem");
const SERVER: [&str; 2] = [include_str!("server.pem"), include_str!("server.key")];
const CLIENT: [&str; 2] = [include_str!("client.pem"), include_str!("client.key")];

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

/// Answers each connection with an empty 200, and returns its URL. With `mutual`, clients need a certificate.
async fn server(mutual: bool) -> String {
    // Explicit, since the workspace may have a second provider.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config = match mutual {
        false => config.with_no_client_auth(),
        true => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(ROOT)).expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let key = PrivateKeyDer::from_pem_slice(SERVER[1].as_bytes()).expect("a key");
    let config = config.with_single_cert(vec![certificate(SERVER[0])], key).expect("a config");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.expect("a request"));
                }
                let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(response).await.expect("a response");
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

fn builder(url: &str) -> ClientBuilder {
    Client::builder().api_url(url).access_token("token").max_retries(0)
}

fn queues() -> Request {
    Request::new(Operation::from_static("getRoutingQueues", Method::Get, "/api/v2/routing/queues"))
}

#[tokio::test]
async fn an_added_root_certificate_is_trusted() {
    let url = server(false).await;
    let client = builder(&url).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("an unknown root");
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(format!("{error:#}").contains("invalid peer certificate: UnknownIssuer"), "{error:#}");
    let client = builder(&url).add_root_certificate(ROOT).build().expect("a client");
    assert_eq!(client.execute(&queues()).await.expect("a response").status(), 200);
}

#[tokio::test]
async fn a_client_certificate_is_presented() {
    let url = server(true).await;
    let client = builder(&url).add_root_certificate(ROOT).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("no certificate");
    assert!(error.is_transport(), "{error:#}");
    let [certificate, key] = CLIENT;
    let client = builder(&url).add_root_certificate(ROOT).client_certificate(certificate, key);
    let client = client.build().expect("a client");
    assert_eq!(client.execute(&queues()).await.expect("a response").status(), 200);
}

#[tokio::test]
async fn invalid_pem_is_rejected_and_not_quoted() {
    for (builder, setter) in [
        (builder("https://127.0.0.1:1").add_root_certificate("hunter2"), "`add_root_certificate`"),
        (
            builder("https://127.0.0.1:1").client_certificate(CLIENT[0], "hunter2"),
            "`client_certificate`",
        ),
        (
            builder("https://127.0.0.1:1").client_certificate("hunter2", CLIENT[1]),
            "`client_certificate`",
        ),
    ] {
        let error = builder.build().map(|_: Client| ()).expect_err(setter);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(setter), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
