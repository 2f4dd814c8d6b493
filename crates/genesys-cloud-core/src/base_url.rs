//! Base URLs of a client, and the check that requests stay below them.

use std::sync::Arc;

use url::{Host, Url};

/// Scheme, host, port and path prefix of the API or the login service.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    url: Url,
    /// The URL without a trailing slash.
    text: String,
    /// Hosts other than this machine for which plain HTTP is allowed.
    insecure: Arc<[String]>,
}

impl BaseUrl {
    /// Accepts `https`, and `http` to this machine or the `insecure` hosts. Errors do not quote the URL, which may
    /// contain a password.
    pub(crate) fn parse(text: &str, insecure: &Arc<[String]>) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| {
            format!("it is not a URL such as https://api.mypurecloud.com ({error})")
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it must start with https://".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not contain a user name or password".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it must not contain a query or fragment".into());
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let this = Self { url, text, insecure: insecure.clone() };
        if this.url.scheme() == "http" && !is_loopback(&this.url) && !this.is_named(&this.url) {
            return Err(
                "it must start with https://; http is allowed on this machine and for `allow_insecure_host`".into(),
            );
        }
        Ok(this)
    }

    /// Appends a request target (path and query).
    ///
    /// Rejects targets that leave this URL, since the result may be sent a token: `@evil.example/` names another host,
    /// and `/../x` leaves the prefix.
    pub(crate) fn join(&self, target: &str) -> Result<Url, String> {
        let away = || format!("its path must start with `/` and stay below {}", self.text);
        let joined = Url::parse(&format!("{}{target}", self.text)).map_err(|_| away())?;
        let same_host = joined.origin() == self.url.origin() && joined.username().is_empty();
        let prefix = self.url.path().trim_end_matches('/');
        let below = joined.path().strip_prefix(prefix).is_some_and(|path| path.starts_with('/'));
        if !same_host || !below {
            return Err(away());
        }
        if joined.fragment().is_some() {
            return Err("its path must not contain a `#`".to_owned());
        }
        Ok(joined)
    }

    /// Returns the request target of a URL below this one, or `None` if it is not below.
    pub(crate) fn target_of(&self, url: &Url) -> Option<String> {
        let prefix = self.url.path().trim_end_matches('/');
        let path = url.path().strip_prefix(prefix).filter(|path| path.starts_with('/'))?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{query}");
        (self.join(&target).as_ref() == Ok(url)).then_some(target)
    }

    /// Returns the URL without a trailing slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host without its port.
    pub(crate) fn host(&self) -> Option<&str> {
        self.url.host_str()
    }

    /// Whether plain HTTP may be used for a URL: on this machine, if the API is there too, or for a host that the program
    /// allowed.
    pub(crate) fn allows_http(&self, url: &Url) -> bool {
        (is_loopback(url) && is_loopback(&self.url)) || self.is_named(url)
    }

    fn is_named(&self, url: &Url) -> bool {
        url.host_str()
            .is_some_and(|host| self.insecure.iter().any(|it| it.eq_ignore_ascii_case(host)))
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }
}

/// Whether the host of a URL is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether a URL must not be reached through a proxy: plain HTTP, which the proxy could read, and this machine under any
/// of its names.
pub(crate) fn is_direct(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped();
            address.is_unspecified() || mapped.is_some_and(|it| it.is_loopback())
        }
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    };
    url.scheme() == "http" || is_loopback(url) || is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BaseUrl, String> {
        BaseUrl::parse(text, &Arc::default())
    }

    #[test]
    fn http_is_allowed_to_named_hosts() {
        let named: Arc<[String]> = Arc::new(["mock".to_owned(), "[fd00::7]".to_owned()]);
        let parse = |text| BaseUrl::parse(text, &named);
        for text in ["http://mock", "http://MOCK:8080/prefix", "http://[fd00::7]:81"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["http://mock.example.com", "http://amock", "http://user@mock", "ftp://mock"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let url = |text: &str| Url::parse(text).expect("a URL");
        let api = parse("https://gw.example.com").expect("a base URL");
        assert!(api.allows_http(&url("http://mock/file")));
        assert!(!api.allows_http(&url("http://127.0.0.1/file")));
        assert!(!api.allows_http(&url("http://other/file")));
    }

    #[test]
    fn accepts_https_and_local_http() {
        for (given, expected) in [
            ("https://api.mypurecloud.ie", "https://api.mypurecloud.ie"),
            ("https://api.mypurecloud.ie/", "https://api.mypurecloud.ie"),
            (" HTTPS://API.mypurecloud.ie:443\n", "https://api.mypurecloud.ie"),
            ("https://gw.example.com:8443/genesys/", "https://gw.example.com:8443/genesys"),
            ("https://10.0.0.1", "https://10.0.0.1"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:8080/prefix", "http://[::1]:8080/prefix"),
            ("http://localhost", "http://localhost"),
        ] {
            let url = parse(given).map(|url| url.as_str().to_owned());
            assert_eq!(url.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn rejects_insecure_urls_and_credentials() {
        for (given, why) in [
            ("", "not a URL"),
            ("api.mypurecloud.ie", "not a URL"),
            ("https://", "not a URL"),
            ("ftp://api.mypurecloud.ie", "must start with https://"),
            ("localhost:8080", "must start with https://"),
            ("http://api.mypurecloud.ie", "must start with https://"),
            ("http://10.0.0.1", "must start with https://"),
            ("http://0.0.0.0", "must start with https://"),
            ("http://128.0.0.1", "must start with https://"),
            ("http://[::2]", "must start with https://"),
            ("http://localhost.example.com", "must start with https://"),
            ("http://127.0.0.1.example.com", "must start with https://"),
            ("https://user@gw.example.com", "user name or password"),
            ("https://user:hunter2@gw.example.com", "user name or password"),
            ("https://:hunter2@gw.example.com", "user name or password"),
            ("https://gw.example.com?", "query or fragment"),
            ("https://gw.example.com/?key=hunter2", "query or fragment"),
            ("https://gw.example.com/#top", "query or fragment"),
        ] {
            let refusal = parse(given).map(|_| ()).expect_err(given);
            assert!(refusal.contains(why), "{given}: {refusal}");
            assert!(!refusal.contains("hunter2"), "{given}: {refusal}");
        }
    }

    #[test]
    fn plain_http_and_loopback_bypass_proxies() {
        for (url, direct) in [
            ("http://api.mypurecloud.ie", true),
            ("https://api.mypurecloud.ie", false),
            ("https://127.0.0.1:8443", true),
            ("https://127.9.9.9", true),
            ("https://0.0.0.0", true),
            ("https://[::1]", true),
            ("https://[::]", true),
            ("https://[::ffff:127.0.0.1]", true),
            ("https://localhost", true),
            ("https://localhost.", true),
            ("https://gw.localhost", true),
            ("https://10.0.0.1", false),
            ("https://[2001:db8::1]", false),
            ("https://notlocalhost", false),
            ("https://localhost.example.com", false),
        ] {
            assert_eq!(is_direct(&Url::parse(url).expect("a URL")), direct, "{url}");
        }
    }

    #[test]
    fn appends_a_target_to_the_prefix() {
        for (base, target, expected) in [
            ("https://api.mypurecloud.ie", "/api/v2/x", "https://api.mypurecloud.ie/api/v2/x"),
            ("https://gw.example.com/g/", "/api/v2/x?a=b", "https://gw.example.com/g/api/v2/x?a=b"),
            ("https://gw.example.com", "/a%2Fb/%252e", "https://gw.example.com/a%2Fb/%252e"),
            ("http://[::1]:81", "//evil.example/", "http://[::1]:81//evil.example/"),
            ("https://gw.example.com", "\\@evil.example", "https://gw.example.com/@evil.example"),
        ] {
            let base = parse(base).expect("a base URL");
            assert_eq!(base.join(target).map(String::from).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn rejects_a_target_outside_the_base() {
        for (base, target) in [
            ("https://api.mypurecloud.ie", "api/v2/x"),
            ("https://api.mypurecloud.ie", ".evil.example/"),
            ("https://api.mypurecloud.ie", "@evil.example/"),
            ("https://api.mypurecloud.ie", "@api.mypurecloud.ie/"),
            ("https://api.mypurecloud.ie", ":81/"),
            ("https://api.mypurecloud.ie:8", "1/"),
            ("http://127.0.0.1:8", "@127.0.0.1:8/"),
            ("https://gw.example.com/genesys", ""),
            ("https://gw.example.com/genesys", "-other/x"),
            ("https://api.mypurecloud.ie", "https://evil.example/"),
            ("https://api.mypurecloud.ie", "/api/v2/x#y"),
            ("https://gw.example.com/genesys", "/../other"),
            ("https://gw.example.com/genesys", "/%2e%2e/other"),
            ("https://gw.example.com/genesys", "/../genesys-other/x"),
        ] {
            let base = parse(base).expect("a base URL");
            assert!(base.join(target).is_err(), "{target}: {:?}", base.join(target));
        }
    }
}
