//! Decides what happens to a socket of the guest at the moments when its port may be chosen.
//!
//! Rule: a decision knows neither where it runs nor how the guest's call was caught. The system
//! calls are a comptime parameter, and the guest's own call comes in as a value that can be run;
//! hooks only say which moment it is. When in doubt, that call runs as it stands.

const std = @import("std");
const address = @import("address.zig");
const sys = @import("system.zig");
const Choice = @import("Choice.zig");
const Message = @import("message.zig").Message;
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");
const NamespaceRange = @import("NamespaceRange.zig");
const Random = @import("random.zig").Random;
const deferral = @import("deferral.zig");
const emulation = @import("engines/emulation.zig");
const kernel = @import("engines/kernel.zig");
const late_bind = @import("late_bind.zig");
const log = @import("log.zig");
const pktinfo = @import("pktinfo.zig");
const reuse = @import("reuse.zig");
const Remembered = @import("Remembered.zig");
const Reserved = @import("Reserved.zig");
const rules = @import("rules.zig");
const source = @import("source.zig");
const transport = @import("transport.zig");
const udp_share = @import("engines/udp_share.zig");

/// What policy and environment came to.
pub fn Settings(comptime policy: Policy) type {
    return struct {
        /// What applies where no rule does.
        own: Choice,
        /// What each rule says; null: leave.
        rules: [policy.rules.len]?Choice,
        defer_bind: bool,
        engine: Policy.Engine,
        when_unkept: Policy.WhenUnkept,
        target: if (policy.environment.log) log.Target else void = if (policy.environment.log) .{} else {},
    };
}

/// A call of the guest that may make the kernel choose a port.
pub const Call = struct {
    fd: i32,
    moment: Moment,
    /// Calls on, with the guest's own arguments; -1 and errno on failure, as libc has it.
    run: *const fn (*const Call) isize,
    /// What connect and bind were given; may be null, short, unaligned or unreadable.
    address: ?*const anyopaque = null,
    length: c_uint = 0,
    /// What sendmsg and sendmmsg were given: the address is in there, if it can be read.
    message: ?*const Message = null,
    /// Of a send: what sendto(2) and its like call flags.
    flags: c_int = 0,
    /// Of a send: calls on likewise, but has pin choose where each message leaves from.
    run_from_source: ?*const fn (*const Call) isize = null,
    /// Where there is a log: what is decided.
    decision: ?*log.Decision = null,
};

pub const Moment = enum { connect, listen, bind, send, settle };

/// Of `policy` only what it leaves room for is built: engine, source, rules.
pub fn Pin(comptime System: type, comptime policy: Policy) type {
    const may_emulate = policy.mayEmulate();
    const may_have_source = policy.mayHaveSource();
    const has_rules = policy.rules.len > 0;
    const may_log = policy.environment.log;
    // Without them a destination makes no difference, and there is no call that goes without a range.
    const looks_further = may_have_source or has_rules;
    return struct {
        const Self = @This();

        settings: Settings(policy),
        random: Random,
        system: System,
        namespace_range: NamespaceRange = .{},
        reserved: Reserved = .{},
        remembered: Remembered = .{},
        /// Whether this process may hold a socket whose bind(2) was deferred; never cleared.
        may_hold_deferred: std.atomic.Value(bool) = .init(false),
        /// Whether it may hold one whose bind(2) waits in `late_bind`; never cleared.
        may_hold_pending: std.atomic.Value(bool) = .init(false),
        /// Whether this kernel can tell who has a UDP 4-tuple.
        sight: if (policy.udp_share) udp_share.Sight else void = if (policy.udp_share) .{} else {},
        /// Whether it may hold one whose SO_REUSEADDR is ours; never cleared.
        may_hold_shared: std.atomic.Value(bool) = .init(false),
        /// Whether it may hold one that the guest bound, or set IP_BIND_ADDRESS_NO_PORT of; never cleared.
        may_hold_bound: std.atomic.Value(bool) = .init(false),
        /// Whether the guest sets IP_BIND_ADDRESS_NO_PORT itself; never cleared.
        guest_defers: std.atomic.Value(bool) = .init(false),
        /// Whether the guest gives IPv6 sockets a source for all their messages, by IPV6_PKTINFO; never cleared.
        guest_sets_source: std.atomic.Value(bool) = .init(false),
        /// Whether the guest sets IP_LOCAL_PORT_RANGE itself; never cleared.
        guest_sets_ranges: std.atomic.Value(bool) = .init(false),
        /// Whether this kernel has told us that TCP and UDP have no IP_LOCAL_PORT_RANGE.
        lacks_option: std.atomic.Value(bool) = .init(false),
        /// Whether it may hold a socket of another protocol that has none: MPTCP, before Linux 6.8. Never cleared.
        may_hold_lacking: std.atomic.Value(bool) = .init(false),

        /// A socket has come into the process: from socket(2), over a Unix socket, from before exec.
        /// It gets a range at once, for what never passes a hook again (io_uring) and for the
        /// send path, which asks nothing. A failure is left for the call that needs a port.
        pub fn adoptNew(self: *Self, fd: i32, domain: u32, kind: u32, protocol: u32) void {
            if (!transport.isPinnableKind(domain, kind, protocol) or !self.kernelGivesRange()) return;
            const answer = kernel.set(self.system, &self.settings.own.ports, &self.random, fd);
            if (answer == .lacking) self.noteLacking(protocol == sys.IPPROTO_MPTCP);
        }

        fn noteLacking(self: *Self, is_mptcp: bool) void {
            const flag = if (is_mptcp) &self.may_hold_lacking else &self.lacks_option;
            flag.store(true, .monotonic);
        }

        pub fn adoptStranger(self: *Self, fd: i32) void {
            if (!transport.isPinnable(self.system, fd)) return;
            if (may_have_source) self.may_hold_bound.store(true, .monotonic);
            if (deferral.mayBe(self.system, fd)) {
                self.may_hold_deferred.store(true, .monotonic);
                // By whom, on UDP nobody can tell any more.
                if (may_have_source and transport.isUdp(self.system, fd)) self.guest_defers.store(true, .monotonic);
            }
            if (may_emulate and late_bind.pending(self.system, fd) != null) self.may_hold_pending.store(true, .monotonic);
            if (may_emulate and reuse.isHidden(self.system, fd)) self.may_hold_shared.store(true, .monotonic);
            if (policy.udp_share and udp_share.isShared(self.system, fd)) self.may_hold_shared.store(true, .monotonic);
            if (!self.kernelGivesRange()) return;
            const answer = kernel.keep(self.system, &self.settings.own.ports, &self.random, fd);
            if (answer == .lacking) self.noteLacking(transport.isMptcp(self.system, fd));
        }

        /// connect, listen, and sends that connect.
        pub fn choose(self: *Self, call: *Call) isize {
            return self.logged(call, decide);
        }

        fn decide(self: *Self, call: *const Call) isize {
            if (!looks_further or !self.looksAtDestination()) return self.pinTo(&self.settings.own, call, null);
            if (call.moment == .connect or call.moment == .send) return self.chooseFor(call);
            const end: deferral.Reading = .{ .name = self.serverEnd(call.fd), .begun = false };
            return self.pinTo(&self.settings.own, call, if (end.name == null) null else &end);
        }

        /// Whether rules or a source make a difference between destinations.
        fn looksAtDestination(self: *const Self) bool {
            return has_rules or self.mayForceSource();
        }

        pub fn mayForceSource(self: *const Self) bool {
            return may_have_source and (has_rules or !self.settings.own.source.isNone());
        }

        fn chooseFor(self: *Self, call: *const Call) isize {
            var reading = self.readDestination(call);
            const destination = &(reading.name orelse return self.pinTo(&self.settings.own, call, null));
            const choice = self.choiceFor(call.fd, destination);
            const from = if (choice) |it| source.towards(it.source, destination) else null;
            const is_usable = if (from) |*name| !source.isOffLink(name, destination) else false;
            if (reading.begun and !is_usable) deferral.undo(self.system, call.fd);
            if (choice == null) return self.leaveAlone(call);
            if (from != null and !is_usable and self.settings.when_unkept == .refuse) return self.fail(.ADDRNOTAVAIL);
            reading.name = from;
            return self.pinTo(choice.?, call, if (is_usable) &reading else null);
        }

        /// Where the guest has never bound a socket, this one is not bound either, and the call that defers our
        /// own bind tells at once whether the address can be read.
        fn readDestination(self: *Self, call: *const Call) deferral.Reading {
            if (may_have_source and call.moment == .connect and !self.may_hold_bound.load(.monotonic)) {
                return deferral.beginAt(self.system, call.fd, call.address, call.length);
            }
            return .{ .name = self.destinationOf(call), .begun = false };
        }

        /// What the first rule that matches says; null: leave.
        fn choiceFor(self: *Self, fd: i32, destination: *const sys.Name) ?*const Choice {
            if (!has_rules) return &self.settings.own;
            const looks = comptime rules.lookAtTransport(policy.rules);
            const kind = if (looks) transport.kindOf(self.system, fd) orelse return &self.settings.own else .tcp;
            const index = rules.find(policy.rules, destination, kind) orelse return &self.settings.own;
            return if (self.settings.rules[index]) |*choice| choice else null;
        }

        /// `from`: the end that the socket gets where the guest has not bound it; null: as the kernel chooses.
        fn pinTo(self: *Self, choice: *const Choice, call: *const Call, from: ?*const deferral.Reading) isize {
            if (policy.udp_share and call.moment == .connect) {
                if (self.share(&choice.ports, call, from)) |result| return result;
            }
            const way = self.wayFor(call.fd, &choice.ports);
            if (from) |end| {
                if (way == .kernel) {
                    const errno = self.bindToSource(call, end);
                    if (errno != .SUCCESS) return self.fail(errno);
                } else if (end.begun) deferral.undo(self.system, call.fd);
            }
            note(call, switch (way) {
                .kernel => .kernel,
                .emulation => .emulation,
                .none => .none,
                .foreign => .leave,
            }, &choice.ports);
            return switch (way) {
                .kernel => self.tryRanges(&choice.ports, call),
                .emulation => if (from) |end| self.emulateFrom(&choice.ports, call, &end.name.?) else self.emulate(&choice.ports, call, null),
                .none => self.unkept(call),
                .foreign => call.run(call),
            };
        }

        /// A UDP connect, whose port other flows may have too. Null: nothing that is shared.
        fn share(self: *Self, all: *const Ports, call: *const Call, from: ?*const deferral.Reading) ?isize {
            if (!transport.isPlainUdp(self.system, call.fd)) return null;
            const is_shared = self.endShared(call.fd);
            const destination = self.destinationOf(call) orelse return null;
            if (all.count == 0 or destination.port() == 0) return null;
            var name = self.system.getName(call.fd) orelse return null;
            note(call, .share, all);
            if (name.port() != 0) return if (is_shared) self.shareAgain(call, &name, &destination) else null;
            if (self.pending(call.fd)) |waiting| name = waiting.name;
            if (from) |end| if (self.isOpen(call.fd, &name)) {
                name = end.name.?;
            };
            self.reserved.refresh(self.system);
            const ports = self.portsOf(call.fd, all);
            const scope = self.scopeOf(call, &ports);
            self.may_hold_shared.store(true, .monotonic);
            const answer = udp_share.connect(self.system, scope, &self.sight, call.fd, &name, &destination) orelse
                emulation.bind(self.system, scope, call.fd, &name);
            // A sandbox that forbids bind(2): the kernel may keep the ports all the same.
            if (answer == .forbidden) return null;
            if (from) |end| if (end.begun) deferral.undo(self.system, call.fd);
            return self.afterSearch(call, .AGAIN, answer);
        }

        /// The same for a socket that has its port already.
        fn shareAgain(self: *Self, call: *const Call, name: *const sys.Name, destination: *const sys.Name) isize {
            const errno = udp_share.connectAgain(self.system, &self.sight, call.fd, name, destination);
            return if (errno == .SUCCESS) call.run(call) else self.fail(errno);
        }

        /// A socket that shares its port connects to another peer, or to none: it hears everybody.
        /// Whether it is one.
        fn endShared(self: *Self, fd: i32) bool {
            if (!udp_share.isShared(self.system, fd)) return false;
            udp_share.hearAll(self.system, fd);
            return true;
        }

        /// A rule leaves the destination alone: the range that the socket got when it came goes.
        fn leaveAlone(self: *Self, call: *const Call) isize {
            note(call, .leave, null);
            if (policy.udp_share and call.moment == .connect) _ = self.endShared(call.fd);
            if (self.settings.own.ports.count > 0 and !self.guest_sets_ranges.load(.monotonic)) {
                if (kernel.current(self.system, &self.settings.own.ports, call.fd) != null) kernel.clear(self.system, call.fd);
            }
            if (self.pending(call.fd)) |waiting| {
                if (self.system.bind(call.fd, &waiting.name) == .SUCCESS) late_bind.forget(self.system, call.fd);
            }
            return call.run(call);
        }

        /// Binds a socket without a port to its source, port 0, and leaves one alone that the guest has bound. Not
        /// SUCCESS: what the guest's call fails with.
        fn bindToSource(self: *Self, call: *const Call, from: *const deferral.Reading) sys.E {
            if (call.moment == .settle) return .SUCCESS; // It binds in its own way.
            if (!from.begun) {
                const name = self.system.getName(call.fd) orelse return .SUCCESS;
                if (name.port() != 0) return self.rebindDatagrams(call, &name, &from.name.?);
                if (!self.isOpen(call.fd, &name)) return .SUCCESS;
                _ = deferral.begin(self.system, call.fd);
            }
            const errno = self.system.bind(call.fd, &from.name.?);
            if (errno == .SUCCESS) {
                self.may_hold_deferred.store(true, .monotonic);
                return .SUCCESS;
            }
            deferral.undo(self.system, call.fd);
            if (errno != .INVAL) return self.errnoOfSource();
            // It has a port already; or it is IPv6 alone and cannot take an IPv4 source, as connect will say.
            const name = self.system.getName(call.fd) orelse return .SUCCESS;
            return self.rebindDatagrams(call, &name, &from.name.?);
        }

        /// What a call fails with whose source is not on this host.
        fn errnoOfSource(self: *const Self) sys.E {
            return if (self.settings.when_unkept == .leave) .SUCCESS else .ADDRNOTAVAIL;
        }

        /// A UDP socket at connect(2) that got its port before, by bind(2) to the wildcard and port 0 or by a send:
        /// the kernel chose the port, so a disconnect gives it back, and the same is bound again at the source. One
        /// that the guest chose stays.
        fn rebindDatagrams(self: *Self, call: *const Call, name: *const sys.Name, from: *const sys.Name) sys.E {
            if (call.moment != .connect or name.port() == 0 or !name.isWildcard()) return .SUCCESS;
            // A disconnect would take SO_BINDTODEVICE away.
            if (!transport.isUdp(self.system, call.fd) or transport.isOnOneInterface(self.system, call.fd)) return .SUCCESS;
            if (!self.system.isLocal(from)) return self.errnoOfSource();
            self.system.disconnect(call.fd);
            const now = self.system.getName(call.fd) orelse return .SUCCESS;
            if (now.port() != 0) return .SUCCESS;
            // Somebody may have taken the port meanwhile: then any other.
            const is_bound = self.bindAt(call.fd, from, name.port()) or self.system.bind(call.fd, from) == .SUCCESS;
            return if (is_bound) .SUCCESS else .ADDRNOTAVAIL;
        }

        /// Binds to a port that the kernel itself chooses from a range of one, so that the next disconnect gives it
        /// back again; where there is no such option, for good.
        fn bindAt(self: *Self, fd: i32, from: *const sys.Name, port: u16) bool {
            const range = kernel.rangeOf(self.system, fd) orelse {
                var end = from.*;
                end.setPort(port);
                return self.system.bind(fd, &end) == .SUCCESS;
            };
            kernel.setRange(self.system, fd, .{ .low = port, .high = port });
            defer kernel.setRange(self.system, fd, range);
            return self.system.bind(fd, from) == .SUCCESS;
        }

        /// Whether a socket without a port is free to get a source: bound to no address, or only by us.
        fn isOpen(self: *Self, fd: i32, name: *const sys.Name) bool {
            return name.isWildcard() or self.isAtOurSource(fd, name);
        }

        /// Whether it was us who bound a socket without a port to this address: also a connect that failed leaves it
        /// so, and the guest knows of no bind.
        pub fn isAtOurSource(self: *Self, fd: i32, name: *const sys.Name) bool {
            if (!may_have_source or !name.isInternet() or name.port() != 0) return false;
            return self.isASource(name) and deferral.isAddressOurs(self.system, fd);
        }

        fn isASource(self: *const Self, name: *const sys.Name) bool {
            if (source.isAt(self.settings.own.source, name)) return true;
            for (&self.settings.rules) |*each| if (each.*) |*choice| {
                if (source.isAt(choice.source, name)) return true;
            };
            return false;
        }

        /// What a socket that is about to listen, or must show its port, is to be bound to; null: it is bound
        /// already, or to be bound as it is.
        fn serverEnd(self: *Self, fd: i32) ?sys.Name {
            const name = self.system.getName(fd) orelse return null;
            if (!name.isInternet() or name.port() != 0) return null;
            const is_ours = self.isAtOurSource(fd, &name);
            if (!is_ours and !name.isWildcard()) return null;
            const wildcard: sys.Name = if (name.bytes.family == sys.AF.INET) .ofIpv4(sys.AF.INET, @splat(0)) else .ofIpv6(@splat(0));
            return self.serverSource(fd, &wildcard) orelse if (is_ours) wildcard else null;
        }

        /// The source in the wildcard's place, where the policy says so for servers.
        fn serverSource(self: *Self, fd: i32, wildcard: *const sys.Name) ?sys.Name {
            if (policy.listen == .keep) return null;
            const own = self.settings.own.source;
            const asks = wildcard.bytes.family == sys.AF.INET6 and own.ipv6 == null;
            const is_v6_only = asks and sys.isOn(self.system, fd, sys.SOL.IPV6, sys.IPV6_V6ONLY);
            return source.forServer(own, wildcard, is_v6_only);
        }

        fn mayEmulate(self: *Self) bool {
            return may_emulate and self.settings.engine != .kernel;
        }

        /// The first engine that keeps the ports for this socket.
        fn wayFor(self: *Self, fd: i32, ports: *const Ports) enum { kernel, emulation, none, foreign } {
            if (self.pending(fd) != null) return .emulation;
            if (looks_further and ports.count == 0) return if (transport.isPinnable(self.system, fd)) .kernel else .foreign;
            if (self.kernelMayKeep(ports)) switch (kernel.keep(self.system, ports, &self.random, fd)) {
                .ready => return .kernel,
                .foreign => return .foreign,
                .lacking => {},
            };
            return if (self.mayEmulate()) .emulation else .none;
        }

        /// sendto, sendmsg, sendmmsg: with MSG_FASTOPEN a connect with the first data.
        pub fn sendOrConnect(self: *Self, call: *Call) isize {
            return self.logged(call, decideSend);
        }

        fn decideSend(self: *Self, call: *const Call) isize {
            const connects = @as(u32, @bitCast(call.flags)) & sys.MSG.FASTOPEN != 0;
            if (connects) return self.decide(call);
            return if (looks_further and self.looksAtDestination()) self.sendFor(call) else self.send(&self.settings.own.ports, call);
        }

        /// A send to an address, by a socket that may be unbound. Where the kernel honours the range nothing
        /// is asked: the socket got its range when it came.
        fn send(self: *Self, ports: *const Ports, call: *const Call) isize {
            note(call, .kernel, ports);
            if (self.kernelKept(ports) and self.pending(call.fd) == null) return self.tryRanges(ports, call);
            note(call, if (self.mayEmulate()) .emulation else .none, ports);
            return if (self.mayEmulate()) self.emulate(ports, call, null) else self.unkept(call);
        }

        /// The same where it matters which address. The socket gets its port by the first message's rule, and each
        /// message leaves from its own rule's source.
        fn sendFor(self: *Self, call: *const Call) isize {
            const destination = self.destinationOf(call) orelse return self.send(&self.settings.own.ports, call);
            if (!transport.isUdp(self.system, call.fd)) return self.send(&self.settings.own.ports, call);
            const sending: Sending = .{ .call = .{
                .fd = call.fd,
                .moment = .send,
                .run = Sending.run,
                .address = call.address,
                .length = call.length,
                .message = call.message,
                .decision = call.decision,
            }, .guest = call };
            const before = self.system.errno();
            const sends = if (may_have_source and self.isSourceless(call.fd)) &sending.call else call;
            const choice = self.choiceFor(call.fd, &destination) orelse return self.leaveAlone(sends);
            if (has_rules and self.kernelMayKeep(&choice.ports) and !self.isBound(call.fd)) {
                _ = kernel.keep(self.system, &choice.ports, &self.random, call.fd);
            }
            const result = self.send(&choice.ports, sends);
            if (!may_have_source or result != -1 or sends == call) return result;
            const from = source.towards(choice.source, &destination) orelse return result;
            return if (self.isRefused(&from)) self.unkeptSource(call, before) else result;
        }

        /// Whether a message failed because its source is not on this host: sendmsg says EINVAL or ENETUNREACH, by
        /// family and version, where bind says EADDRNOTAVAIL.
        fn isRefused(self: *Self, from: *const sys.Name) bool {
            return switch (self.system.errno()) {
                .INVAL, .NETUNREACH => !self.system.isLocal(from),
                else => false,
            };
        }

        /// `errno` was what it is before anything was tried.
        fn unkeptSource(self: *Self, call: *const Call, errno: sys.E) isize {
            if (self.settings.when_unkept == .refuse) return self.fail(.ADDRNOTAVAIL);
            self.system.setErrno(errno);
            return call.run(call);
        }

        /// Whether a datagram socket's messages leave from where the kernel chooses: the guest has not bound it to
        /// an address, nor have we.
        fn isSourceless(self: *Self, fd: i32) bool {
            if (!self.may_hold_bound.load(.monotonic)) return true;
            const name = self.system.getName(fd) orelse return false;
            return name.isInternet() and name.isWildcard();
        }

        /// What the guest's `message` is sent as: itself, or in `room` with its source.
        pub fn fromSource(self: *Self, fd: i32, room: *pktinfo.Sourced, message: *const Message) *const Message {
            const destination = address.ofMessage(self.system, message) orelse return message;
            if (destination.bytes.family == sys.AF.INET6 and self.guest_sets_source.load(.monotonic)) return message;
            const choice = self.choiceFor(fd, &destination) orelse return message;
            const from = source.towards(choice.source, &destination) orelse return message;
            switch (room.make(self.system, message, &from)) {
                .made => return &room.message,
                .guests => self.logGuestsSource(fd, &destination),
                .no_room => {},
            }
            return message;
        }

        /// bind. Nothing is asked of a range here either, but TCP's bind is deferred.
        pub fn bind(self: *Self, call: *Call) isize {
            return self.logged(call, decideBind);
        }

        fn decideBind(self: *Self, call: *const Call) isize {
            if (!may_have_source or !self.mayForceSource()) return self.bindAsGiven(call);
            self.may_hold_bound.store(true, .monotonic);
            const given = address.copy(self.system, call.address, call.length) orelse return self.bindAsGiven(call);
            const end = if (given.isWildcard()) self.serverSource(call.fd, &given) else null;
            // TCP's port 0 is deferred first: it may be a client's, or a server's, whose listen comes.
            const is_late = given.port() == 0 and self.settings.defer_bind and transport.isTcp(self.system, call.fd) and
                (end == null or deferral.isThere(self.system, call.fd));
            if (end == null or is_late or !transport.isPinnable(self.system, call.fd)) {
                const result = self.bindAsGiven(call);
                if (result == 0 and is_late and self.isASource(&given)) deferral.noteOwnAddress(self.system, call.fd);
                return result;
            }
            var replaced = call.*;
            replaced.address = &end.?.bytes;
            replaced.length = end.?.length;
            return self.bindAsGiven(&replaced);
        }

        fn bindAsGiven(self: *Self, call: *const Call) isize {
            const result = self.bindOrDefer(call);
            if (!may_emulate or !self.may_hold_pending.load(.monotonic)) return result;
            // Where it finds the port in use, the kernel forgets the address that it had before.
            const is_over = if (result == 0) self.isBound(call.fd) else self.system.errno() == .ADDRINUSE;
            if (is_over) late_bind.forget(self.system, call.fd);
            return result;
        }

        fn bindOrDefer(self: *Self, call: *const Call) isize {
            const ports = &self.settings.own.ports;
            const kernel_keeps = self.kernelMayKeep(ports);
            note(call, if (kernel_keeps) .kernel else if (self.mayEmulate()) .emulation else .none, ports);
            if (!kernel_keeps and !self.mayEmulate()) return self.unkept(call);
            if (transport.isTcp(self.system, call.fd)) {
                // The guest's first bind, if we deferred it, counts: a second one must fail.
                _ = self.settle(call.fd);
                if (address.read(self.system, call.address, call.length) != 0) return call.run(call);
                if (self.settings.defer_bind and deferral.begin(self.system, call.fd)) return self.runDeferred(call);
            }
            if (self.may_hold_lacking.load(.monotonic)) return self.pinTo(&self.settings.own, call, null);
            return if (kernel_keeps) self.tryRanges(ports, call) else self.emulate(ports, call, null);
        }

        fn runDeferred(self: *Self, call: *const Call) isize {
            const result = call.run(call);
            if (result == 0) {
                self.may_hold_deferred.store(true, .monotonic);
            } else deferral.undo(self.system, call.fd);
            return result;
        }

        /// getsockname(2) may show a port only if there is one: gives a socket whose bind was deferred its
        /// port now. False where the ports are all taken.
        pub fn settle(self: *Self, fd: i32) bool {
            if (self.pending(fd)) |waiting| return !waiting.is_ours or self.settleAt(fd, &waiting.name);
            if (!self.may_hold_deferred.load(.monotonic)) return true;
            const name = deferral.pending(self.system, fd) orelse return true;
            if (may_have_source and self.isAtOurSource(fd, &name)) return true;
            const end = if (may_have_source and name.isWildcard()) self.serverSource(fd, &name) else null;
            return self.settleAt(fd, if (end) |*source_end| source_end else &name);
        }

        /// The guest is to use a socket's filter, where an address may wait, or which may be ours: so it goes. False
        /// where the ports are all taken.
        pub fn vacate(self: *Self, fd: i32, level: c_int, name: c_int) bool {
            if (level != sys.SOL.SOCKET) return true;
            switch (name) {
                sys.SO.ATTACH_FILTER, sys.SO.DETACH_FILTER, sys.SO.LOCK_FILTER, sys.SO.ATTACH_BPF => {},
                else => return true,
            }
            if (policy.udp_share) _ = self.endShared(fd);
            if (!may_emulate) return true;
            const waiting = self.pending(fd) orelse return true;
            return self.settleAt(fd, &waiting.name);
        }

        fn settleAt(self: *Self, fd: i32, name: *const sys.Name) bool {
            const before = self.system.errno();
            defer self.system.setErrno(before);
            var settling: Settling(System) = .{
                .system = self.system,
                .name = name,
                .call = .{ .fd = fd, .moment = .settle, .run = Settling(System).run },
            };
            return self.choose(&settling.call) == 0;
        }

        /// The guest has set IP_LOCAL_PORT_RANGE: its choice stands where it lies inside the ports.
        pub fn keepRange(self: *Self, fd: i32) void {
            self.guest_sets_ranges.store(true, .monotonic);
            if (self.kernelGivesRange()) _ = kernel.keep(self.system, &self.settings.own.ports, &self.random, fd);
        }

        /// The guest has set or cleared IP_BIND_ADDRESS_NO_PORT.
        pub fn noteBindAddressNoPort(self: *Self, fd: i32, asked: bool) void {
            if (may_have_source) self.guest_defers.store(true, .monotonic);
            if (may_have_source) self.may_hold_bound.store(true, .monotonic);
            if (self.settings.defer_bind) deferral.note(self.system, fd, asked);
        }

        pub fn isDeferredByUs(self: *Self, fd: i32) bool {
            if (!self.may_hold_deferred.load(.monotonic)) return false;
            if (deferral.isOurs(self.system, fd)) return true;
            // A UDP socket has no room for a mark: there it is ours unless the guest uses the option itself.
            if (!may_have_source or !self.mayForceSource() or self.guest_defers.load(.monotonic)) return false;
            return transport.isUdp(self.system, fd);
        }

        /// getsockname has answered: a source that a failed connect left behind is not the guest's. The port that
        /// it had shows still.
        pub fn isNameOurs(self: *Self, fd: i32, name: *const sys.Name) bool {
            if (!self.mayForceSource() or !name.isInternet() or !self.isASource(name)) return false;
            if (name.port() != 0 and !(transport.isClosedTcp(self.system, fd) and self.isDeferredByUs(fd))) return false;
            return deferral.isAddressOurs(self.system, fd);
        }

        fn pending(self: *Self, fd: i32) ?late_bind.Pending {
            if (!may_emulate or !self.may_hold_pending.load(.monotonic)) return null;
            const waiting = late_bind.pending(self.system, fd) orelse return null;
            // What has a port all the same was bound behind our back.
            return if (self.isBound(fd)) null else waiting;
        }

        /// What getsockname(2) must show in place of the wildcard: the guest has asked for a late bind.
        pub fn shownName(self: *Self, fd: i32) ?sys.Name {
            const waiting = self.pending(fd) orelse return null;
            return if (waiting.is_ours) null else waiting.name;
        }

        /// IP_BIND_ADDRESS_NO_PORT on a kernel that lacks it, as Linux 6.12 has it: the errno of the guest's call;
        /// null where it fails as ever.
        pub fn emulateSetLateBind(self: *Self, fd: i32, value: ?*const anyopaque, length: c_uint) ?sys.E {
            if (!self.isEmulated(fd)) return null;
            if (length > std.math.maxInt(c_int)) return .INVAL;
            // An int, or a char where it is given less, or 0 where nothing. ip(7)
            const count: usize = if (length >= @sizeOf(c_int)) @sizeOf(c_int) else @min(length, 1);
            if (count > 0 and !address.canRead(self.system, value, count)) return .FAULT;
            const asked = count > 0 and !std.mem.allEqual(u8, @as([*]const u8, @ptrCast(value.?))[0..count], 0);
            return if (late_bind.ask(self.system, fd, asked)) .SUCCESS else null;
        }

        /// What the option reads as there; null where it fails as ever.
        pub fn emulateGetLateBind(self: *Self, fd: i32) ?u32 {
            if (!self.isEmulated(fd)) return null;
            return @intFromBool(late_bind.isAsked(self.system, fd) orelse return null);
        }

        /// IP_LOCAL_PORT_RANGE on a kernel that lacks it, as Linux 6.12 has it: the errno of the guest's call; null
        /// where it fails as ever.
        pub fn emulateSetRange(self: *Self, fd: i32, value: ?*const anyopaque, length: c_uint) ?sys.E {
            if (!self.isEmulated(fd)) return null;
            if (length != @sizeOf(u32)) return .INVAL;
            if (!address.canRead(self.system, value, length)) return .FAULT;
            const bytes: *const [@sizeOf(u32)]u8 = @ptrCast(value.?);
            const range = kernel.unpack(std.mem.readInt(u32, bytes, .native));
            if (range.low != 0 and range.high != 0 and range.low > range.high) return .INVAL;
            if (!self.remembered.remember(self.system, fd, kernel.pack(range))) return null;
            self.guest_sets_ranges.store(true, .monotonic);
            return .SUCCESS;
        }

        /// What the option reads as there; null where it fails as ever.
        pub fn emulateGetRange(self: *Self, fd: i32) ?u32 {
            return if (self.isEmulated(fd)) self.remembered.recall(self.system, fd) else null;
        }

        /// Whether options that this kernel lacks are emulated for `fd`.
        fn isEmulated(self: *Self, fd: i32) bool {
            return self.mayEmulate() and transport.isPinnable(self.system, fd);
        }

        /// Whether the range of `fd` is one that the guest knows nothing of.
        pub fn isRangeOurs(self: *Self, fd: i32) bool {
            if (self.guest_sets_ranges.load(.monotonic)) return false;
            return kernel.current(self.system, &self.settings.own.ports, fd) != null;
        }

        /// Runs `call`, and while it fails because a range is full, again with the next one, until
        /// all were tried. A range that the guest has narrowed itself is not exchanged.
        fn tryRanges(self: *Self, ports: *const Ports, call: *const Call) isize {
            const before = self.system.errno();
            noteTry(call);
            var result = call.run(call);
            if (result != -1 or ports.count <= 1 or !self.isFull(call)) return result;
            const first = kernel.current(self.system, ports, call.fd) orelse return result;
            for (1..ports.count) |step| {
                const index = (first + step) % ports.count;
                if (kernel.setIndex(self.system, ports, index, call.fd) != .ready) return result;
                noteTry(call);
                result = call.run(call);
                if (result != -1) self.system.setErrno(before);
                if (result != -1 or !self.isFull(call)) return result;
            }
            return result;
        }

        /// Whether the call has just failed because the range is full: TCP's connect says EADDRNOTAVAIL,
        /// bind and listen EADDRINUSE, UDP EAGAIN. Each may mean something else on a socket that has a port.
        fn isFull(self: *Self, call: *const Call) bool {
            switch (self.system.errno()) {
                .ADDRNOTAVAIL, .AGAIN => if (call.moment == .bind) return false,
                // EADDRINUSE says that the kernel has read the address.
                .ADDRINUSE => if (call.moment == .bind and !asksForPort(call)) return false,
                else => return false,
            }
            return !self.isBound(call.fd);
        }

        /// No engine can keep the ports for this call. A call that needs no port goes on, and so does
        /// every call of a socket that has its port already or is none of ours.
        fn unkept(self: *Self, call: *const Call) isize {
            if (self.settings.when_unkept == .leave) {
                note(call, .leave, null);
                return call.run(call);
            }
            if (!transport.isPinnable(self.system, call.fd) or self.isTaken(call)) return call.run(call);
            const port = address.read(self.system, call.address, call.length);
            const needs_port = switch (call.moment) {
                // AF_UNSPEC disconnects, and what is no address fails by itself.
                .connect => port != null,
                .bind => port == 0,
                .listen, .send, .settle => true,
            };
            if (!needs_port) return call.run(call);
            return self.fail(.ADDRNOTAVAIL);
        }

        /// The second engine with a source, which is given up where it is not on this host and the policy says so.
        fn emulateFrom(self: *Self, ports: *const Ports, call: *const Call, from: *const sys.Name) isize {
            const before = self.system.errno();
            const result = self.emulate(ports, call, from);
            if (result != -1 or self.settings.when_unkept == .refuse) return result;
            if (self.system.errno() != .ADDRNOTAVAIL or self.system.isLocal(from)) return result;
            self.system.setErrno(before);
            return self.emulate(ports, call, null);
        }

        /// The second engine: finds a port for a socket that has none, and runs the call once.
        fn emulate(self: *Self, all: *const Ports, call: *const Call, from: ?*const sys.Name) isize {
            if (!may_emulate) unreachable;
            var name = self.system.getName(call.fd) orelse return call.run(call);
            if (!name.isInternet()) return call.run(call);
            const kind = transport.kindOf(self.system, call.fd) orelse return call.run(call);
            if (name.port() != 0 and !self.releases(call)) return call.run(call);
            if (self.pending(call.fd)) |waiting| name = waiting.name;
            if (from) |end| if (self.isOpen(call.fd, &name)) {
                name = end.*;
            };
            self.reserved.refresh(self.system);
            const ports = self.portsOf(call.fd, all);
            const scope = self.scopeOf(call, &ports);
            switch (call.moment) {
                .connect, .send => {
                    const given = self.destinationOf(call);
                    if (call.moment == .connect and given == null) return call.run(call);
                    if (kind == .tcp) return self.emulateConnect(call, scope, &name, &(given orelse return call.run(call)));
                    return self.afterSearch(call, .AGAIN, emulation.bind(self.system, scope, call.fd, &name));
                },
                .bind => {
                    // The guest has asked for a late bind itself: the kernel remembers the address.
                    if (deferral.mayBe(self.system, call.fd)) return call.run(call);
                    name = address.copy(self.system, call.address, call.length) orelse return call.run(call);
                    if (name.port() != 0) return call.run(call);
                    if (self.bindLate(call, scope, kind, &name)) |result| return result;
                },
                .listen, .settle => {},
            }
            return self.afterSearch(call, .ADDRINUSE, emulation.bind(self.system, scope, call.fd, &name));
        }

        fn scopeOf(self: *Self, call: *const Call, ports: *const Ports) emulation.Scope {
            return .{
                .ports = ports,
                .reserved = &self.reserved,
                .random = &self.random,
                .tries = if (may_log and call.decision != null) &call.decision.?.tries else null,
            };
        }

        /// bind(ip, 0) where the kernel cannot remember an address alone; null where it must be carried out at once.
        fn bindLate(self: *Self, call: *const Call, scope: emulation.Scope, kind: Policy.Transport, name: *sys.Name) ?isize {
            const is_asked = late_bind.isAsked(self.system, call.fd) orelse return null;
            if (kind == .sctp or (!is_asked and (kind != .tcp or !self.settings.defer_bind))) return null;
            if (deferral.isThere(self.system, call.fd)) return null;
            const answer = emulation.probe(self.system, scope, call.fd, kind, name) orelse return null;
            if (answer != .full) return self.afterSearch(call, .ADDRINUSE, answer);
            if (!late_bind.leave(self.system, call.fd, name, !is_asked)) return null;
            self.may_hold_pending.store(true, .monotonic);
            return 0;
        }

        fn destinationOf(self: *Self, call: *const Call) ?sys.Name {
            if (call.message) |message| return address.ofMessage(self.system, message);
            return address.copy(self.system, call.address, call.length);
        }

        fn emulateConnect(self: *Self, call: *const Call, scope: emulation.Scope, name: *sys.Name, destination: *const sys.Name) isize {
            var guests: reuse.Options = undefined;
            const answer = emulation.bindFor(self.system, scope, call.fd, name, destination, &guests);
            if (answer == .bound) self.may_hold_shared.store(true, .monotonic);
            const result = self.afterSearch(call, .ADDRNOTAVAIL, answer);
            if (answer == .bound) emulation.afterConnect(self.system, call.fd, guests);
            return result;
        }

        /// `full`: what the kernel says to such a call where its range is exhausted.
        fn afterSearch(self: *Self, call: *const Call, full: sys.E, answer: emulation.Answer) isize {
            return switch (answer) {
                .bound => {
                    if (self.may_hold_pending.load(.monotonic)) late_bind.forget(self.system, call.fd);
                    // The call was for a port, and nothing else.
                    return switch (call.moment) {
                        .bind => 0,
                        .settle => self.noteSettled(call.fd),
                        else => call.run(call),
                    };
                },
                .full => self.fail(full),
                .forbidden => self.unkept(call),
                // EINVAL: another thread has bound the socket meanwhile.
                .failed => |errno| if (errno == .INVAL) call.run(call) else self.fail(errno),
            };
        }

        /// A socket with a port of its own is not deferred any more.
        fn noteSettled(self: *Self, fd: i32) isize {
            if (may_have_source) deferral.undo(self.system, fd);
            return 0;
        }

        /// The ports, or as many of them as the guest's own choice for this socket leaves.
        fn portsOf(self: *Self, fd: i32, all: *const Ports) Ports {
            if (self.guest_sets_ranges.load(.monotonic)) {
                const own = kernel.rangeOf(self.system, fd) orelse kernel.unpack(self.remembered.recall(self.system, fd));
                if (all.holds(own)) return .one(own);
            }
            return all.*;
        }

        /// Decides, and says so in the log. Where there is none this is the decision alone.
        fn logged(self: *Self, call: *Call, comptime how: Decide) isize {
            if (!may_log or !self.settings.target.isSomewhere()) return how(self, call);
            return self.decideAndLog(call, how);
        }

        const Decide = fn (*Self, *const Call) isize;

        noinline fn decideAndLog(self: *Self, call: *Call, how: *const Decide) isize {
            const kind = transport.kindOf(self.system, call.fd) orelse return how(self, call);
            var decision: log.Decision = .{ .call = call.moment, .fd = call.fd, .transport = kind };
            const had_port = self.isBound(call.fd);
            if (call.moment == .connect or call.moment == .send) decision.destination = self.destinationOf(call);
            if (decision.destination) |*to| decision.rule = rules.find(policy.rules, to, kind);
            call.decision = &decision;
            const result = how(self, call);
            if (!self.isNews(call, &decision, had_port)) return result;
            if (result == -1) decision.errno = self.system.errno();
            decision.source = self.system.getName(call.fd);
            self.system.log(&self.settings.target, &decision);
            return result;
        }

        /// Whether something was decided: a datagram of a socket that has its port already is no news, unless its
        /// destination's rule would have said another one.
        fn isNews(self: *Self, call: *const Call, decision: *const log.Decision, had_port: bool) bool {
            return switch (call.moment) {
                .connect => decision.destination != null,
                .bind => !had_port and address.read(self.system, call.address, call.length) == 0,
                .listen, .settle => !had_port,
                .send => decision.destination != null and (!had_port or self.isElsewhere(call.fd, decision)),
            };
        }

        fn isElsewhere(self: *Self, fd: i32, decision: *const log.Decision) bool {
            if (!has_rules) return false;
            const ports = decision.ports orelse return true;
            const name = self.system.getName(fd) orelse return false;
            return ports.count > 0 and !ports.has(name.port());
        }

        fn note(call: *const Call, engine: log.Engine, ports: ?*const Ports) void {
            if (!may_log) return;
            const decision = call.decision orelse return;
            decision.engine = engine;
            decision.ports = ports;
        }

        fn noteTry(call: *const Call) void {
            if (!may_log) return;
            if (call.decision) |decision| decision.tries += 1;
        }

        /// A datagram's own control message says where it leaves from.
        fn logGuestsSource(self: *Self, fd: i32, destination: *const sys.Name) void {
            if (!may_log or !self.settings.target.isSomewhere()) return;
            self.system.log(&self.settings.target, &.{
                .call = .send,
                .fd = fd,
                .transport = .udp,
                .destination = destination.*,
                .rule = rules.find(policy.rules, destination, .udp),
                .engine = .leave,
                .source = self.system.getName(fd),
            });
        }

        fn fail(self: *Self, errno: sys.E) isize {
            self.system.setErrno(errno);
            return -1;
        }

        /// Whether the kernel would honour the ports, as far as can be said without asking a socket.
        fn kernelMayKeep(self: *Self, ports: *const Ports) bool {
            if (looks_further and ports.count == 0) return true;
            if (self.settings.engine == .emulation or self.lacks_option.load(.monotonic)) return false;
            return ports.liesInside(self.namespace_range.get(self.system) orelse return false);
        }

        /// Whether there is a range to give to every socket.
        fn kernelGivesRange(self: *Self) bool {
            if (looks_further and self.settings.own.ports.count == 0) return false;
            return self.kernelMayKeep(&self.settings.own.ports);
        }

        /// The same without a look at the clock.
        fn kernelKept(self: *Self, ports: *const Ports) bool {
            const range = self.namespace_range.known() orelse return self.kernelMayKeep(ports);
            if (looks_further and ports.count == 0) return true;
            if (self.settings.engine == .emulation or self.lacks_option.load(.monotonic)) return false;
            return ports.liesInside(range);
        }

        pub fn isSharedByUs(self: *Self, fd: i32) bool {
            return may_emulate and self.may_hold_shared.load(.monotonic) and reuse.isHidden(self.system, fd);
        }

        /// Whether an option of level SOL_SOCKET is on because connected UDP sockets share ports.
        pub fn isSharing(self: *Self, fd: i32, name: u32) bool {
            return policy.udp_share and self.may_hold_shared.load(.monotonic) and udp_share.isOurs(self.system, fd, name);
        }

        /// The guest has set SO_REUSEADDR.
        pub fn noteReuseAddress(self: *Self, fd: i32, on: bool) void {
            if (self.isSharedByUs(fd)) reuse.noteHidden(self.system, fd, on);
            if (!policy.udp_share or !self.may_hold_shared.load(.monotonic)) return;
            if (udp_share.isShared(self.system, fd)) udp_share.noteReuseAddress(self.system, fd, on);
        }

        /// Whether a call finds its socket with a port that it will keep.
        fn isTaken(self: *Self, call: *const Call) bool {
            return self.isBound(call.fd) and !self.releases(call);
        }

        /// A send without a destination fails, and leaves an unbound UDP socket with whatever port the kernel chose: a
        /// connect comes without it. What the guest bound itself stays. Only where the kernel lacks the range, so that a
        /// library for the kernel engine alone, and a kernel that has it, needs none of this.
        fn releases(self: *Self, call: *const Call) bool {
            if (!may_emulate or call.moment != .connect or !transport.isUdp(self.system, call.fd)) return false;
            const name = self.system.getName(call.fd) orelse return false;
            // A disconnect would take SO_BINDTODEVICE away.
            if (self.settings.own.ports.has(name.port()) or transport.isOnOneInterface(self.system, call.fd)) return false;
            self.system.disconnect(call.fd);
            return !self.isBound(call.fd);
        }

        fn isBound(self: *Self, fd: i32) bool {
            const name = self.system.getName(fd) orelse return true;
            return !name.isInternet() or name.port() != 0;
        }
    };
}

/// A send of the guest whose messages get a source.
const Sending = struct {
    call: Call,
    guest: *const Call,

    fn run(call: *const Call) isize {
        const sending: *const Sending = @alignCast(@fieldParentPtr("call", call));
        return sending.guest.run_from_source.?(sending.guest);
    }
};

/// Only where the kernel has read the address.
fn asksForPort(call: *const Call) bool {
    return address.port(call.address.?, call.length) == 0;
}

/// The bind(2) that was deferred, in our own name.
fn Settling(comptime System: type) type {
    return struct {
        system: System,
        name: *const sys.Name,
        call: Call,

        fn run(call: *const Call) isize {
            const settling: *const @This() = @alignCast(@fieldParentPtr("call", call));
            const errno = deferral.settle(settling.system, call.fd, settling.name);
            if (errno == .SUCCESS) return 0;
            settling.system.setErrno(errno);
            return -1;
        }
    };
}

test {
    _ = rules;
    _ = @import("pin_test.zig");
    _ = @import("udp_share_test.zig");
}
