//! URLs of files, and the check whether they may be fetched.

use std::fmt;

use url::Url;

use crate::base_url::BaseUrl;
use crate::region::Region;
use crate::request::MAX_TARGET;

/// The path prefix under which the apps host proxies the API.
const APPS: &str = "/platform";

/// The path of the API's download operation.
pub(super) const DOWNLOADS: &str = "/api/v2/downloads/";

/// The location of a file.
#[derive(Clone)]
pub(super) enum Link {
    /// On another host. The URL alone grants access, so it is secret.
    Presigned(Url),
    /// Below the API's URL. Requires the bearer token, and usually redirects to a presigned URL.
    Api(String),
}

impl Link {
    /// Accepts `https`, and `http` on this machine if the API is there too, or to a host that the program allowed. Errors
    /// do not quote the URL.
    pub(super) fn parse(text: &str, api: &BaseUrl) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.len() > MAX_TARGET {
            return Err("it is too long");
        }
        if text.starts_with('/') && !text.starts_with("//") {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            let joined = api.join(text).map_err(|_| "it points outside the API")?;
            // Dot segments may have been resolved.
            return match joined.path().ends_with(path) {
                true => Ok(Self::Api(text.to_owned())),
                false => Err("it points outside the API"),
            };
        }
        let url = Url::parse(text).map_err(|_| "it is not a valid URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it contains a user name or password");
        }
        if let Some(target) = api.target_of(&url) {
            return Ok(Self::Api(target));
        }
        if let Some(target) = target_on_apps(&url, api)? {
            return Ok(Self::Api(target));
        }
        match url.scheme() {
            "https" => Ok(Self::Presigned(url)),
            "http" if api.allows_http(&url) => Ok(Self::Presigned(url)),
            _ => Err("it is not https"),
        }
    }

    /// Returns the location for messages: without the query, and without the path of a presigned URL.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Presigned(url) => format!("{}://{}/..", url.scheme(), url.authority()),
            Self::Api(target) => target.split('?').next().unwrap_or_default().to_owned(),
        }
    }

    /// Returns the host for messages.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Presigned(url) => url.authority().to_owned(),
            Self::Api(_) => "the API".to_owned(),
        }
    }
}

/// Maps a download URL on the apps host to the request target of the same download on the API host. The apps host
/// requires a browser session and answers other clients with an HTML page.
fn target_on_apps(url: &Url, api: &BaseUrl) -> Result<Option<String>, &'static str> {
    let Some(region) = url.host_str().and_then(Region::of_apps_host) else { return Ok(None) };
    let Some(path) = url.path().strip_prefix(APPS) else { return Ok(None) };
    let is_download = |id: &str| !id.is_empty() && !id.contains('/');
    if url.scheme() != "https"
        || url.port().is_some()
        || !path.strip_prefix(DOWNLOADS).is_some_and(is_download)
    {
        return Ok(None);
    }
    if api.host().and_then(Region::of_api_host).is_some_and(|of_api| of_api != region) {
        return Err("it belongs to a different region than the API");
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{path}{query}");
    let is_below = api.join(&target).is_ok_and(|joined| joined.path().ends_with(path));
    if is_below { Ok(Some(target)) } else { Err("it points outside the API") }
}

/// Prints only the host.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.host()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_links_by_host() {
        let live = "https://api.mypurecloud.ie";
        let local = "http://127.0.0.1:8080";
        for (api, link, expected) in [
            (live, "https://b.s3.amazonaws.com/f?X-Sig=s", Ok("b.s3.amazonaws.com")),
            (live, " https://b.s3.amazonaws.com/f\n", Ok("b.s3.amazonaws.com")),
            (live, "https://api.mypurecloud.ie/api/v2/downloads/7?a=b", Ok("the API")),
            (live, "/api/v2/downloads/7", Ok("the API")),
            (live, "/api/../x", Err("it points outside the API")),
            (live, "//evil.example/x", Err("it is not a valid URL")),
            (
                live,
                "https://api.mypurecloud.ie.evil.example/x",
                Ok("api.mypurecloud.ie.evil.example"),
            ),
            (live, "https://u:p@api.mypurecloud.ie/x", Err("it contains a user name or password")),
            (live, "http://b.s3.amazonaws.com/f", Err("it is not https")),
            (live, "http://api.mypurecloud.ie/x", Err("it is not https")),
            (live, "http://127.0.0.1:9/f", Err("it is not https")),
            (live, "ftp://b.s3.amazonaws.com/f", Err("it is not https")),
            (live, "file:///etc/passwd", Err("it is not https")),
            (live, "f", Err("it is not a valid URL")),
            (live, "", Err("it is not a valid URL")),
            (live, "https://b%2es3.amazonaws.com/f", Ok("b.s3.amazonaws.com")),
            (live, "https:\\\\b.example\\f", Ok("b.example")),
            (live, "https://[2001:db8::1]:8443/f", Ok("[2001:db8::1]:8443")),
            (
                live,
                "https://user%40b.example@c.example/f",
                Err("it contains a user name or password"),
            ),
            (
                live,
                "https://api.mypurecloud.ie@c.example/f",
                Err("it contains a user name or password"),
            ),
            (live, "https://api.mypurecloud.ie\\@c.example/f", Ok("the API")),
            (live, "https://api.mypurecloud.ie./f", Ok("api.mypurecloud.ie.")),
            (live, "https://api.mypurecloud.ie:444/f", Ok("api.mypurecloud.ie:444")),
            (live, "/\\evil.example/x", Err("it points outside the API")),
            (live, "/\t/evil.example/x", Err("it points outside the API")),
            (live, "javascript:alert(1)", Err("it is not https")),
            (live, "https://%00/f", Err("it is not a valid URL")),
            (local, "http://[::1]:9/f", Ok("[::1]:9")),
            (local, "http://[::ffff:127.0.0.1]:9/f", Err("it is not https")),
            (local, "http://127.0.0.1.evil.example/f", Err("it is not https")),
            (local, "http://localhost%2eevil.example/f", Err("it is not https")),
            (local, "http://0.0.0.0/f", Err("it is not https")),
            (local, "http://u@127.0.0.1:9/f", Err("it contains a user name or password")),
            (local, "http://127.0.0.1:9/f", Ok("127.0.0.1:9")),
            (local, "http://127.0.0.1:8080/f", Ok("the API")),
            (local, "http://10.0.0.1/f", Err("it is not https")),
        ] {
            let api = BaseUrl::parse(api, &Default::default()).expect("a base URL");
            let found = Link::parse(link, &api);
            assert_eq!(found.map(|link| link.host()).as_deref(), expected.as_deref(), "{link}");
        }
    }

    #[test]
    fn rejects_a_link_that_is_too_long() {
        let api =
            BaseUrl::parse("https://api.mypurecloud.ie", &Default::default()).expect("a base URL");
        let link = |length: usize| format!("https://b.example/f?sig={}", "x".repeat(length - 24));
        assert!(Link::parse(&link(MAX_TARGET), &api).is_ok());
        let refused = Link::parse(&link(MAX_TARGET + 1), &api);
        assert_eq!(refused.map(|_| ()), Err("it is too long"));
    }

    #[test]
    fn a_download_on_the_apps_host_is_mapped_to_the_api() {
        let live = "https://api.mypurecloud.ie";
        let on = |rest: &str| format!("https://apps.mypurecloud.ie{rest}");
        for (api, link, target) in [
            (live, on("/platform/api/v2/downloads/7"), Ok("/api/v2/downloads/7")),
            (live, on("/platform/api/v2/downloads/7?a=b"), Ok("/api/v2/downloads/7?a=b")),
            (live, on(":443/platform/api/v2/downloads/7"), Ok("/api/v2/downloads/7")),
            (
                "https://gw.example.com/g",
                on("/platform/api/v2/downloads/7"),
                Ok("/api/v2/downloads/7"),
            ),
            (
                "https://api.mypurecloud.de",
                on("/platform/api/v2/downloads/7"),
                Err("it belongs to a different region than the API"),
            ),
            // Other URLs are not mapped.
            (live, on("/platform/api/v2/users/me"), Ok("")),
            (live, on("/platform/api/v2/downloads/"), Ok("")),
            (live, on("/platform/api/v2/downloads/../users/me"), Ok("")),
            (live, on("/platform/api/v2/downloads/7/../../users"), Ok("")),
            (live, on("/platform/api/v2/downloads/7/x"), Ok("")),
            (live, on("/api/v2/downloads/7"), Ok("")),
            (live, on(":8443/platform/api/v2/downloads/7"), Ok("")),
            (live, on(".evil.example/platform/api/v2/downloads/7"), Ok("")),
            (live, "https://evil-apps.mypurecloud.ie/platform/api/v2/downloads/7".into(), Ok("")),
        ] {
            let api = BaseUrl::parse(api, &Default::default()).expect("a base URL");
            match (Link::parse(&link, &api), target) {
                (Ok(Link::Api(found)), Ok(target)) => assert_eq!(found, target, "{link}"),
                (Ok(Link::Presigned(_)), Ok("")) => {}
                (Err(found), Err(why)) => assert_eq!(found, why, "{link}"),
                (found, _) => panic!("{link}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_prefix_of_a_gateway_is_removed() {
        let api =
            BaseUrl::parse("https://gw.example.com/g", &Default::default()).expect("a base URL");
        let link = Link::parse("https://gw.example.com/g/api/v2/f?a=b", &api);
        assert!(matches!(link, Ok(Link::Api(target)) if target == "/api/v2/f?a=b"));
        let link = Link::parse("https://gw.example.com/other/f", &api);
        assert!(matches!(link, Ok(Link::Presigned(_))));
    }

    #[test]
    fn debug_omits_the_query() {
        let api =
            BaseUrl::parse("https://api.mypurecloud.ie", &Default::default()).expect("a base URL");
        let link = Link::parse("https://b.example.com/f?X-Sig=hunter2", &api).expect("a link");
        assert_eq!(format!("{link:?}"), r#"Link("b.example.com")"#);
    }
}
