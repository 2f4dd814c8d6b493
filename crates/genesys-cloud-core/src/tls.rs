//! TLS with the library selected by the feature `rustls` or `native-tls`. Without either, only plain HTTP works.

#[cfg(any(feature = "rustls", feature = "native-tls"))]
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

/// Certificates in addition to those of the system.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    roots: Vec<reqwest::Certificate>,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    identity: Option<reqwest::Identity>,
}

/// A client certificate and its key, as PEM.
#[derive(Clone)]
#[cfg_attr(
    not(any(feature = "rustls", feature = "native-tls")),
    expect(dead_code, reason = "rejected without TLS")
)]
pub(crate) struct ClientCertificate {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: SecretString,
}

/// Returns why https is not available, if it is not.
pub(crate) const fn missing() -> Option<&'static str> {
    match cfg!(any(feature = "rustls", feature = "native-tls")) {
        true => None,
        false => Some(
            "https is not available in this build: enable the feature `rustls` or `native-tls` of the SDK",
        ),
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
impl Tls {
    /// Parses bundles of root certificates and a client certificate. Errors do not quote the key.
    pub(crate) fn new(
        roots: &[Vec<u8>],
        certificate: Option<&ClientCertificate>,
    ) -> Result<Self, String> {
        let mut this = Self::default();
        for pem in roots {
            let bundle = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if bundle.is_empty() {
                return Err("`add_root_certificate`: no certificate in PEM format found".to_owned());
            }
            this.roots.extend(bundle);
        }
        if let Some(certificate) = certificate {
            let identity = identity(certificate).map_err(
                |_| "`client_certificate`: the certificate or the PKCS #8 key is not in PEM format",
            )?;
            this.identity = Some(identity);
        }
        Ok(this)
    }

    pub(crate) fn apply(&self, http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        // Another crate of the program may have enabled the other library in reqwest.
        #[cfg(feature = "rustls")]
        let http = http.tls_backend_rustls();
        #[cfg(not(feature = "rustls"))]
        let http = http.tls_backend_native();
        let http = match self.roots.is_empty() {
            true => http,
            false => http.tls_certs_merge(self.roots.iter().cloned()),
        };
        match &self.identity {
            Some(identity) => http.identity(identity.clone()),
            None => http,
        }
    }
}

#[cfg(feature = "rustls")]
fn identity(certificate: &ClientCertificate) -> reqwest::Result<reqwest::Identity> {
    let ClientCertificate { certificate, key } = certificate;
    let pem = [certificate, b"\n".as_slice(), key.expose_secret().as_bytes()].concat();
    reqwest::Identity::from_pem(&pem)
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
fn identity(certificate: &ClientCertificate) -> reqwest::Result<reqwest::Identity> {
    let ClientCertificate { certificate, key } = certificate;
    reqwest::Identity::from_pkcs8_pem(certificate, key.expose_secret().as_bytes())
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
impl Tls {
    pub(crate) fn new(
        roots: &[Vec<u8>],
        certificate: Option<&ClientCertificate>,
    ) -> Result<Self, String> {
        match (roots, certificate) {
            ([], None) => Ok(Self::default()),
            _ => Err(missing().unwrap_or_default().to_owned()),
        }
    }

    #[allow(clippy::unused_self, reason = "as with TLS")]
    pub(crate) fn apply(&self, http: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        http
    }
}
