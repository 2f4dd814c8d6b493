//! Macros with which generated code describes groups and operations.
//!
//! All functions are `#[inline]`, so that a program compiles only those that it calls, out of thousands.

/// Defines the type that has the operations of one API group.
#[doc(hidden)]
#[macro_export]
macro_rules! group {
    ($(#[$meta:meta])* pub struct $group:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $group {
            client: $crate::Client,
        }

        impl $group {
            /// Creates the operations of this group for a client.
            pub fn new(client: &$crate::Client) -> Self {
                Self { client: client.clone() }
            }
        }
    };
}

/// Defines the method of one operation, and the type of its call if it has optional parameters.
///
/// Path parameters, required query parameters, required headers and a required body are arguments, in this order.
/// Everything else is a setter, which also takes an `Option`. `reads` marks an operation that changes nothing despite its
/// method: `"postThingsQuery" Post reads "/things/query"`.
#[doc(hidden)]
#[macro_export]
macro_rules! operation {
    // Without optional parameters, the call needs no type of its own.
    (
        $(#[$meta:meta])*
        $group:ident.$method:ident -> $output:ty;
        $id:literal $verb:ident $($reads:ident)? $path:literal $(accepts $accepts:tt)?
        $(path { $($path_name:ident: $path_type:ty = $path_wire:literal,)* })?
        $(required { $($required_name:ident: $required_type:ty = $required_wire:literal,)* })?
        $(required_each {
            $($required_each_name:ident: $required_each_type:ty = $required_each_wire:literal,)*
        })?
        $(required_header {
            $($required_header_name:ident: $required_header_type:ty = $required_header_wire:literal,)*
        })?
        $(body: $body:ty;)?
    ) => {
        impl $group {
            $(#[$meta])*
            #[inline]
            pub fn $method(
                &self,
                $($($path_name: impl ::core::convert::Into<$path_type>,)*)?
                $($($required_name: impl ::core::convert::Into<$required_type>,)*)?
                $($($required_each_name: impl ::core::iter::IntoIterator<
                    Item = impl ::core::convert::Into<$required_each_type>,
                >,)*)?
                $($($required_header_name: impl ::core::convert::Into<$required_header_type>,)*)?
                $(body: $body,)?
            ) -> $crate::Call<$output> {
                $crate::generated::call(
                    &self.client,
                    $crate::Operation::from_static($id, $crate::Method::$verb, $path)
                        $(.$reads())?
                        $(.also_accepting(&$accepts))?,
                )
                $($(.with_path::<$path_type>($path_wire, $path_name))*)?
                $($(.with_query::<$required_type>($required_wire, $required_name))*)?
                $($(.with_each::<$required_each_type>($required_each_wire, $required_each_name))*)?
                $($(.with_header::<$required_header_type>($required_header_wire, $required_header_name))*)?
                $(.with_body::<$body>(body))?
            }
        }
    };

    // With optional parameters, the call is a type with setters.
    (
        $(#[$meta:meta])*
        $group:ident.$method:ident -> $call:ident -> $output:ty;
        $id:literal $verb:ident $($reads:ident)? $path:literal $(accepts $accepts:tt)?
        $(path { $($path_name:ident: $path_type:ty = $path_wire:literal,)* })?
        $(required { $($required_name:ident: $required_type:ty = $required_wire:literal,)* })?
        $(required_each {
            $($required_each_name:ident: $required_each_type:ty = $required_each_wire:literal,)*
        })?
        $(required_header {
            $($required_header_name:ident: $required_header_type:ty = $required_header_wire:literal,)*
        })?
        $(body: $body:ty;)?
        $(optional_body: $optional_body:ty;)?
        $(query { $($(#[$query_meta:meta])* $query_name:ident: $query_type:ty = $query_wire:literal,)* })?
        $(each { $($(#[$each_meta:meta])* $each_name:ident: $each_type:ty = $each_wire:literal,)* })?
        $(joined { $($(#[$joined_meta:meta])* $joined_name:ident: $joined_type:ty = $joined_wire:literal $joined_by:literal,)* })?
        $(header { $($(#[$header_meta:meta])* $header_name:ident: $header_type:ty = $header_wire:literal,)* })?
    ) => {
        impl $group {
            $(#[$meta])*
            #[inline]
            pub fn $method(
                &self,
                $($($path_name: impl ::core::convert::Into<$path_type>,)*)?
                $($($required_name: impl ::core::convert::Into<$required_type>,)*)?
                $($($required_each_name: impl ::core::iter::IntoIterator<
                    Item = impl ::core::convert::Into<$required_each_type>,
                >,)*)?
                $($($required_header_name: impl ::core::convert::Into<$required_header_type>,)*)?
                $(body: $body,)?
            ) -> $call {
                $call($crate::generated::call(
                        &self.client,
                        $crate::Operation::from_static($id, $crate::Method::$verb, $path)
                            $(.$reads())?
                            $(.also_accepting(&$accepts))?,
                    )
                    $($(.with_path::<$path_type>($path_wire, $path_name))*)?
                    $($(.with_query::<$required_type>($required_wire, $required_name))*)?
                    $($(.with_each::<$required_each_type>($required_each_wire, $required_each_name))*)?
                    $($(.with_header::<$required_header_type>($required_header_wire, $required_header_name))*)?
                    $(.with_body::<$body>(body))?)
            }
        }

        #[doc = concat!("A call of [`", stringify!($group), "::", stringify!($method), "`].")]
        #[derive(Clone, Debug)]
        #[must_use = "a call does nothing until it is sent"]
        pub struct $call($crate::Call<$output>);

        impl $call {
            $(
                /// Sets the body.
                #[inline]
                pub fn body(
                    self,
                    body: impl ::core::convert::Into<::core::option::Option<$optional_body>>,
                ) -> Self {
                    Self(self.0.with_optional_body::<$optional_body>(body))
                }
            )?
            $($(
                $(#[$query_meta])*
                #[inline]
                pub fn $query_name(self, value: impl $crate::IntoOption<$query_type>) -> Self {
                    Self(self.0.with_optional_query::<$query_type>($query_wire, value))
                }
            )*)?
            $($(
                $(#[$each_meta])*
                #[inline]
                pub fn $each_name(
                    self,
                    values: impl ::core::iter::IntoIterator<
                        Item = impl ::core::convert::Into<$each_type>,
                    >,
                ) -> Self {
                    Self(self.0.with_each::<$each_type>($each_wire, values))
                }
            )*)?
            $($(
                $(#[$joined_meta])*
                #[inline]
                pub fn $joined_name(
                    self,
                    values: impl ::core::iter::IntoIterator<
                        Item = impl ::core::convert::Into<$joined_type>,
                    >,
                ) -> Self {
                    Self(self.0.with_joined::<$joined_type>($joined_wire, $joined_by, values))
                }
            )*)?
            $($(
                $(#[$header_meta])*
                #[inline]
                pub fn $header_name(self, value: impl $crate::IntoOption<$header_type>) -> Self {
                    Self(self.0.with_optional_header::<$header_type>($header_wire, value))
                }
            )*)?

            /// Changes the request, for example to set headers and parameters that the API document does not list. See
            /// [`OperationCall`](genesys_cloud_core::OperationCall).
            #[inline]
            pub fn with(self, change: impl ::core::ops::FnOnce(&mut $crate::Request)) -> Self {
                $crate::OperationCall::with(self, change)
            }

            /// Sends the call. Awaiting the call itself does the same. For the errors, see
            /// [`Call::send`](genesys_cloud_core::Call::send).
            #[inline]
            pub fn send(self) -> $crate::Sending<$output> {
                self.0.send()
            }
        }

        impl ::core::future::IntoFuture for $call {
            type Output = ::core::result::Result<$crate::Response<$output>, $crate::Error>;
            type IntoFuture = $crate::Sending<$output>;

            #[inline]
            fn into_future(self) -> $crate::Sending<$output> {
                self.0.send()
            }
        }

        impl $crate::OperationCall for $call {
            type Output = $output;

            #[inline]
            fn request_mut(&mut self) -> &mut $crate::Request {
                self.0.request_mut()
            }

            #[inline]
            fn into_call(self) -> $crate::Call<$output> {
                self.0
            }
        }
    };
}

/// Defines a response type that depends on the status.
#[doc(hidden)]
#[macro_export]
macro_rules! replies {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($status:literal => $variant:ident($type:ty),)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("The response with status ", $status, ".")]
                $variant($type),
            )*
        }

        impl $crate::Decode for $name {
            #[inline]
            fn decode(
                response: &$crate::RawResponse,
            ) -> ::core::result::Result<Self, $crate::DecodeError> {
                const STATUSES: &[u16] = &[$($status,)*];
                // An undocumented status is decoded like the first documented one.
                let status = response.status();
                let status = if STATUSES.contains(&status) { status } else { STATUSES[0] };
                $(
                    if status == $status {
                        return <$type as $crate::Decode>::decode(response).map(Self::$variant);
                    }
                )*
                ::core::unreachable!("the status is one of `STATUSES`")
            }
        }
    };
}
