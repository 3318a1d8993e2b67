//! Decides what happens to a socket of the guest at the moments when its port may be chosen.
//!
//! Rule: a decision knows neither where it runs nor how the guest's call was caught. The system
//! calls are a comptime parameter, and the guest's own call comes in as a value that can be run;
//! hooks only say which moment it is. When in doubt, that call runs as it stands.
//!
//! Here is what a pin knows and what it is asked; the answers are in `pin/`, whose functions take it as `pin: anytype`:
//!
//!     adopt          a socket comes into the process
//!     choose         connect, listen: what the destination's rule says, or a server's source
//!     bind, settle   bind, which may be deferred, and what carries it out
//!     send           messages to an address
//!     guest_options  the options that we live by, as the guest must see them
//!
//! Those ask `keep`, which finds who keeps the ports of a call: `by_kernel`, `by_emulation`, `by_sharing` or nobody
//! (`unkept`). `at_source` binds to the source before that, `socket` is what all of them ask of a socket, and `to_log`
//! is what the log is told.

const std = @import("std");
const sys = @import("system.zig");
const udp_share = @import("engines/udp_share.zig");
const NamespaceRange = @import("NamespaceRange.zig");
const Policy = @import("Policy.zig");
const Random = @import("random.zig").Random;
const Remembered = @import("Remembered.zig");
const Reserved = @import("Reserved.zig");
const Settings = @import("settings.zig").Settings;

const adopt = @import("pin/adopt.zig");
const at_source = @import("pin/at_source.zig");
const bind = @import("pin/bind.zig");
const choosing = @import("pin/choose.zig");
const guest_options = @import("pin/guest_options.zig");
const send = @import("pin/send.zig");
const settling = @import("pin/settle.zig");
const to_log = @import("pin/to_log.zig");

pub const Call = @import("call.zig").Call;

/// Of `policy` only what it leaves room for is built.
pub fn Pin(comptime System: type, comptime policy: Policy) type {
    return struct {
        const Self = @This();
        const Flag = std.atomic.Value(bool);

        comptime policy: Policy = policy,
        comptime may: May = .of(policy),

        settings: Settings(policy),
        random: Random,
        system: System,
        namespace_range: NamespaceRange = .{},
        reserved: Reserved = .{},
        remembered: Remembered = .{},
        /// Whether this kernel can tell who has a UDP 4-tuple.
        sight: if (policy.udp_share) udp_share.Sight else void = if (policy.udp_share) .{} else {},

        // What this process has seen, so that the others need not be asked; never cleared.

        /// It may hold a socket whose bind(2) was deferred.
        may_hold_deferred: Flag = .init(false),
        /// It may hold one whose bind(2) waits in `late_bind`.
        may_hold_pending: Flag = .init(false),
        /// It may hold one whose SO_REUSEADDR is ours.
        may_hold_shared: Flag = .init(false),
        /// It may hold one that the guest bound, or set IP_BIND_ADDRESS_NO_PORT of.
        may_hold_bound: Flag = .init(false),
        /// It may hold one that has no IP_LOCAL_PORT_RANGE although TCP and UDP have: MPTCP, before Linux 6.8.
        may_hold_lacking: Flag = .init(false),
        /// TCP and UDP have none on this kernel.
        lacks_option: Flag = .init(false),
        /// The guest sets IP_BIND_ADDRESS_NO_PORT itself.
        guest_defers: Flag = .init(false),
        /// The guest sets IP_LOCAL_PORT_RANGE itself.
        guest_sets_ranges: Flag = .init(false),
        /// The guest gives IPv6 sockets a source for all their messages, by IPV6_PKTINFO.
        guest_sets_source: Flag = .init(false),

        /// Carries out a call of the guest, from one of the ports if it makes the kernel choose one: what the call
        /// returns, -1 and errno on failure.
        pub fn choose(pin: *Self, call: *Call) isize {
            return to_log.told(pin, call, decide);
        }

        fn decide(pin: *Self, call: *const Call) isize {
            if (call.moment == .bind) return bind.decide(pin, call);
            if (call.moment == .send and !call.isFastOpen()) return send.decide(pin, call);
            return choosing.decide(pin, call);
        }

        /// Where each message leaves from.
        pub const fromSource = send.fromSource;

        // A socket comes into the process.
        pub const adoptNew = adopt.adoptNew;
        pub const adoptStranger = adopt.adoptStranger;

        // What was deferred must show.
        pub const settle = settling.settle;
        pub const vacate = settling.vacate;
        pub const shownName = settling.shownName;

        // The guest has set an option.
        pub const keepRange = guest_options.keepRange;
        pub const noteBindAddressNoPort = guest_options.noteBindAddressNoPort;
        pub const noteReuseAddress = guest_options.noteReuseAddress;

        // The guest looks at what may be ours.
        pub const isRangeOurs = guest_options.isRangeOurs;
        pub const isDeferredByUs = guest_options.isDeferredByUs;
        pub const isSharedByUs = guest_options.isSharedByUs;
        pub const isSharing = guest_options.isSharing;
        pub const isNameOurs = guest_options.isNameOurs;
        pub const mayForceSource = at_source.mayForce;

        // The kernel lacks an option.
        pub const emulateSetRange = guest_options.emulateSetRange;
        pub const emulateGetRange = guest_options.emulateGetRange;
        pub const emulateSetLateBind = guest_options.emulateSetLateBind;
        pub const emulateGetLateBind = guest_options.emulateGetLateBind;

        /// What the guest's call fails with.
        pub fn fail(pin: *Self, errno: sys.E) isize {
            pin.system.setErrno(errno);
            return -1;
        }
    };
}

/// What a library built from the policy may ever have to do.
const May = struct {
    emulate: bool,
    force_source: bool,
    have_rules: bool,
    /// Where not, a destination makes no difference, and there is no call that goes without a range.
    look_further: bool,
    log: bool,

    fn of(policy: Policy) May {
        const has_rules = policy.rules.len > 0;
        return .{
            .emulate = policy.mayEmulate(),
            .force_source = policy.mayHaveSource(),
            .have_rules = has_rules,
            .look_further = policy.mayHaveSource() or has_rules,
            .log = policy.environment.log,
        };
    }
};

test {
    _ = @import("rules.zig");
    _ = @import("pin/at_source_test.zig");
    _ = @import("pin/bind_test.zig");
    _ = @import("pin/by_emulation_test.zig");
    _ = @import("pin/by_kernel_test.zig");
    _ = @import("pin/late_bind_test.zig");
    _ = @import("pin/send_test.zig");
    _ = @import("pin/to_log_test.zig");
    _ = @import("pin/unkept_test.zig");
    _ = @import("udp_share_test.zig");
}
