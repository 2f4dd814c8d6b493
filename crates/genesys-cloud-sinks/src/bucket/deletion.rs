//! Deletes an object of S3. `object_store` always uses the call that deletes several objects, which not every
//! S3-compatible server supports.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector,
};
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{Error as ObjectError, ObjectStoreExt as _};

/// Lifetime of the signed URL.
const EXPIRES: Duration = Duration::from_mins(5);

/// An S3 bucket and its connections.
#[derive(Clone, Debug)]
pub(super) struct Deletion {
    s3: Arc<AmazonS3>,
    http: Connections,
}

/// Keeps the last HTTP client: that of the bucket, created after that for credentials.
#[derive(Clone, Debug, Default)]
struct Connections(Arc<Mutex<Option<HttpClient>>>);

impl HttpConnector for Connections {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient, ObjectError> {
        let client = ReqwestConnector::default().connect(options)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

impl Deletion {
    /// Builds a bucket with its deletion.
    pub(super) fn build(builder: AmazonS3Builder) -> Result<(Arc<AmazonS3>, Self), ObjectError> {
        let http = Connections::default();
        let s3 = Arc::new(builder.with_http_connector(http.clone()).build()?);
        Ok((s3.clone(), Self { s3, http }))
    }

    /// Deletes an object. Falls back to the call for several objects, for example without a signature.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), ObjectError> {
        match self.delete_one(path).await {
            Some(done) => done,
            None => self.s3.delete(path).await,
        }
    }

    /// Deletes an object by the call for one. `None` if another call may succeed.
    async fn delete_one(&self, path: &Path) -> Option<Result<(), ObjectError>> {
        let http = self.http.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let url = self.s3.signed_url(http::Method::DELETE, path, EXPIRES).await.ok()?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = http::Method::DELETE;
        *request.uri_mut() = url.as_str().parse().ok()?;
        let (head, body) = http.execute(request).await.ok()?.into_parts();
        if head.status.is_success() {
            return Some(Ok(()));
        }
        let body = body.bytes().await.ok()?;
        let source = String::from_utf8_lossy(&body).into_owned().into();
        let path = path.to_string();
        match head.status.as_u16() {
            401 => Some(Err(ObjectError::Unauthenticated { path, source })),
            403 => Some(Err(ObjectError::PermissionDenied { path, source })),
            404 => Some(Err(ObjectError::NotFound { path, source })),
            _ => None,
        }
    }
}
