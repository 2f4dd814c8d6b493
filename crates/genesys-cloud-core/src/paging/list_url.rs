//! Links to a next page in responses.

use std::fmt;

use url::{Url, form_urlencoded};

/// The URL of a list, to which links to its pages must point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListUrl {
    /// The URL of the operation, without a query.
    url: Url,
    /// Its path without the prefix of a gateway, which the API does not know.
    path: String,
}

impl ListUrl {
    /// The URL of a request with this target. `None` if no such request can be sent.
    pub(super) fn new(api_url: &str, target: &str) -> Option<Self> {
        let path = target.split('?').next().unwrap_or_default();
        let url = Url::parse(&format!("{api_url}{path}")).ok()?;
        Some(Self { url, path: path.to_owned() })
    }

    /// The query of a link, decoded once. The link may be relative or absolute.
    pub(super) fn query_of(&self, link: &str) -> Result<Vec<(String, String)>, LinkError> {
        let url = self.url.join(link.trim()).map_err(|_| LinkError::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkError::User);
        }
        // Scheme, host and port.
        if url.origin() != self.url.origin() {
            return Err(LinkError::Host);
        }
        if ![self.url.path(), &self.path].into_iter().any(|path| same_path(path, url.path())) {
            return Err(LinkError::Path);
        }
        // As form data, since the API's servers decode a query like that: a `+` is a space.
        Ok(form_urlencoded::parse(url.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect())
    }
}

/// Whether two paths are equal after percent-decoding.
fn same_path(one: &str, other: &str) -> bool {
    fn segments(path: &str) -> impl Iterator<Item = Vec<u8>> {
        path.trim_end_matches('/')
            .split('/')
            .map(|segment| percent_encoding::percent_decode_str(segment).collect())
    }
    segments(one).eq(segments(other))
}

/// Why a link is not followed. The link is not shown, since its query may contain personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkError {
    NoUrl,
    User,
    Host,
    Path,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUrl => "is not a URL",
            Self::User => "contains a user name or password",
            Self::Host => "points to another host, scheme or port than the client's",
            Self::Path => "points to another path than the list's",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_links_to_the_same_list() {
        for (api_url, link, query) in [
            ("https://api.mypurecloud.ie", "/api/v2/a%2Fb?after=x", "after=x"),
            ("https://api.mypurecloud.ie", "/api/v2/a%2fb/?after=x", "after=x"),
            ("https://api.mypurecloud.ie", "?after=x", "after=x"),
            ("https://api.mypurecloud.ie", "https://API.mypurecloud.ie:443/api/v2/a%2Fb", ""),
            (
                "https://api.mypurecloud.ie",
                "/api/v2/a%2Fb?q=a%2Fb%3D%3D&q=%2525+%2B",
                "q=a/b==&q=%25 +",
            ),
            ("https://gw.example.com/g", "/api/v2/a%2Fb?after=x", "after=x"),
            (
                "https://gw.example.com/g",
                "https://gw.example.com/g/api/v2/a%2Fb?after=x",
                "after=x",
            ),
            ("http://127.0.0.1:80", "http://127.0.0.1/api/v2/a%2Fb?after", "after="),
        ] {
            let home = ListUrl::new(api_url, "/api/v2/a%2Fb?page=1").expect("a URL");
            let pairs = home.query_of(link).expect(link);
            let pairs: Vec<String> =
                pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(pairs.join("&"), query, "{link}");
        }
    }

    #[test]
    fn refuses_links_to_anything_else() {
        for (link, why) in [
            ("https://evil.example/api/v2/things?after=x", LinkError::Host),
            ("//evil.example/api/v2/things?after=x", LinkError::Host),
            ("\\\\evil.example/api/v2/things?after=x", LinkError::Host),
            ("http://gw.example.com/api/v2/things?after=x", LinkError::Host),
            ("https://gw.example.com:8443/api/v2/things?after=x", LinkError::Host),
            ("https://gw.example.com.evil.example/api/v2/things", LinkError::Host),
            ("/\\evil.example/api/v2/things", LinkError::Host),
            ("https:\\\\evil.example/api/v2/things", LinkError::Host),
            ("ht\ttps://evil.example/api/v2/things", LinkError::Host),
            ("/\t/evil.example/api/v2/things", LinkError::Host),
            ("ftp://gw.example.com/api/v2/things", LinkError::Host),
            ("javascript:alert(1)", LinkError::Host),
            ("https://gw.example.com@evil.example/api/v2/things", LinkError::User),
            ("https://user:secret@gw.example.com/api/v2/things", LinkError::User),
            ("/api/v2/others?after=x", LinkError::Path),
            ("/api/v2/things/../others?after=x", LinkError::Path),
            ("/api/v2/things/%2e%2e/others?after=x", LinkError::Path),
            ("/api/v2/things\\..\\others?after=x", LinkError::Path),
            ("/api/v2//things?after=x", LinkError::Path),
            ("/api/v2/things/more?after=x", LinkError::Path),
            ("things/more", LinkError::Path),
            ("https://gw.example.com", LinkError::Path),
            ("https://[", LinkError::NoUrl),
        ] {
            let home = ListUrl::new("https://gw.example.com", "/api/v2/things").expect("a URL");
            assert_eq!(home.query_of(link), Err(why), "{link}");
        }
    }
}
