//! When the kernel may choose a port.

pub const Moment = enum {
    /// connect(2): always for TCP, for UDP if it has none.
    connect,
    /// listen(2), if it has none.
    listen,
    /// bind(2), if it asks for port 0.
    bind,
    /// sendto(2), sendmsg(2), sendmmsg(2): with MSG_FASTOPEN a connect, else for UDP if it has none.
    send,
    /// getsockname(2) must show the port of a bind(2) that was deferred: that one, in our own name.
    settle,
};
