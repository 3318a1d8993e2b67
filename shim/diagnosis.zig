//! Asks the kernel for one TCP connection or UDP flow by its 4-tuple: sock_diag(7), which needs no privilege.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("system.zig");

/// What the kernel knows of a 4-tuple.
pub const Finding = enum {
    free,
    /// A connection has it.
    taken,
    /// A connection in TIME_WAIT has it.
    waiting,
};

pub const Diagnosis = struct {
    /// Negative where none could be opened (no descriptor left, no such family): all then looks free, and
    /// connect(2) has the last word.
    fd: i32,

    pub fn open() Diagnosis {
        const opened = sys.raw("socket", .{ sys.AF.NETLINK, sys.SOCK.RAW | sys.SOCK.CLOEXEC, linux.NETLINK.SOCK_DIAG });
        return .{ .fd = if (linux.errno(opened) == .SUCCESS) @intCast(opened) else -1 };
    }

    pub fn close(diagnosis: *Diagnosis) void {
        if (diagnosis.fd >= 0) _ = linux.close(diagnosis.fd);
    }

    /// Two system calls. `source`'s own port is not looked at.
    pub fn look(diagnosis: *Diagnosis, source: *const sys.Name, port: u16, destination: *const sys.Name) Finding {
        if (diagnosis.fd < 0) return .free;
        const request: Request = .about(source, port, destination);
        if (linux.errno(sys.raw("sendto", .{ diagnosis.fd, &request, @as(usize, @sizeOf(Request)), 0, 0, 0 })) != .SUCCESS) return .free;
        var reply: Reply = undefined;
        const got = linux.read(diagnosis.fd, @ptrCast(&reply), @sizeOf(Reply));
        if (linux.errno(got) != .SUCCESS or got < @sizeOf(Reply)) return .free;
        // ENOENT comes as an error message. The kernel also falls back to listeners, which have no remote port.
        if (reply.header.kind != by_family or reply.id.remote_port != request.id.remote_port) return .free;
        return if (reply.state == tcp_time_wait) .waiting else .taken;
    }

    pub fn isOpen(diagnosis: *const Diagnosis) bool {
        return diagnosis.fd >= 0;
    }

    /// The UDP socket that a datagram from `destination` to `source` and `port` would reach; null where none is, and
    /// also where the kernel has no udp_diag. Two system calls. `source`'s own port is not looked at.
    ///
    /// A connected socket comes before all others, then one that is bound to the address, then one to the wildcard; of
    /// several alike the last that was bound. udp_dump_one(), __udp4_lib_lookup()
    pub fn receiver(diagnosis: *Diagnosis, source: *const sys.Name, port: u16, destination: *const sys.Name) ?Receiver {
        const request: Request = .aboutUdp(source, port, destination);
        if (linux.errno(sys.raw("sendto", .{ diagnosis.fd, &request, @as(usize, @sizeOf(Request)), 0, 0, 0 })) != .SUCCESS) return null;
        var reply: Reply = undefined;
        const got = linux.read(diagnosis.fd, @ptrCast(&reply), @sizeOf(Reply));
        if (linux.errno(got) != .SUCCESS or got < @sizeOf(Reply) or reply.header.kind != by_family) return null;
        return .{
            .cookie = @max(1, reply.id.cookie[0]),
            .is_connected = reply.id.remote_port == destination.bytes.port,
        };
    }
};

pub const Receiver = struct {
    /// The low half of SO_COOKIE.
    cookie: u32,
    /// Whether it has the whole 4-tuple; otherwise it has no peer.
    is_connected: bool,
};

/// linux/netlink.h, struct nlmsghdr; host byte order.
const Header = extern struct { length: u32, kind: u16, flags: u16, sequence: u32 = 0, process: u32 = 0 };

/// linux/inet_diag.h, struct inet_diag_sockid; network byte order.
const Identity = extern struct {
    local_port: u16,
    remote_port: u16,
    local: [16]u8 = @splat(0),
    remote: [16]u8 = @splat(0),
    interface: u32 = 0,
    /// INET_DIAG_NOCOOKIE
    cookie: [2]u32 = @splat(std.math.maxInt(u32)),
};

/// struct inet_diag_req_v2, behind its header.
const Request = extern struct {
    header: Header = .{ .length = @sizeOf(Request), .kind = by_family, .flags = linux.NLM_F_REQUEST },
    family: u8,
    protocol: u8 = sys.IPPROTO.TCP,
    extensions: u8 = 0,
    padding: u8 = 0,
    states: u32 = std.math.maxInt(u32),
    id: Identity,

    fn about(source: *const sys.Name, port: u16, destination: *const sys.Name) Request {
        var request: Request = .{
            .family = sys.AF.INET6,
            .id = .{ .local_port = std.mem.nativeToBig(u16, port), .remote_port = destination.bytes.port },
        };
        const source_ipv4 = source.ipv4();
        const destination_ipv4 = destination.ipv4();
        if (source_ipv4 != null and destination_ipv4 != null) {
            request.family = sys.AF.INET;
            request.id.local[0..4].* = source_ipv4.?.*;
            request.id.remote[0..4].* = destination_ipv4.?.*;
        } else {
            request.id.local = source.bytes.addr;
            request.id.remote = destination.bytes.addr;
            request.id.interface = destination.bytes.scope_id;
        }
        return request;
    }

    /// Of UDP's exact look-up alone the two ends are swapped, "for historical reasons"; its answers are not.
    fn aboutUdp(source: *const sys.Name, port: u16, destination: *const sys.Name) Request {
        var local = source.*;
        local.setPort(port);
        var request: Request = .about(destination, destination.port(), &local);
        request.protocol = sys.IPPROTO.UDP;
        if (request.family == sys.AF.INET6) request.id.interface = destination.bytes.scope_id;
        return request;
    }
};

/// The beginning of struct inet_diag_msg, behind its header; what follows is cut off.
const Reply = extern struct {
    header: Header,
    family: u8,
    state: u8,
    timer: u8,
    retransmissions: u8,
    id: Identity,
};

/// SOCK_DIAG_BY_FAMILY
const by_family = 20;
/// net/tcp_states.h
const tcp_time_wait = 6;

comptime {
    std.debug.assert(@sizeOf(Request) == 72);
    std.debug.assert(@sizeOf(Identity) == 48);
}
