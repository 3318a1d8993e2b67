//! A call of the guest that may make the kernel choose a port.
//!
//! Rule: it can be run, as often as it takes, and stays what the guest made it. What it points to is the guest's, and
//! may be unreadable.

const address = @import("address.zig");
const log = @import("log.zig");
const sys = @import("system.zig");
const Message = @import("message.zig").Message;
const Moment = @import("moment.zig").Moment;

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

    /// Where it goes to; null where it does not say, or cannot be read.
    pub fn destination(call: *const Call, system: anytype) ?sys.Name {
        if (call.message) |message| return address.ofMessage(system, message);
        return address.copy(system, call.address, call.length);
    }

    /// The port of its address; null where there is none, or where it cannot be read.
    pub fn port(call: *const Call, system: anytype) ?u16 {
        return address.read(system, call.address, call.length);
    }

    /// Whether that is 0, where the kernel has read the address already.
    pub fn asksForPort(call: *const Call) bool {
        return address.port(call.address.?, call.length) == 0;
    }

    /// Whether a send is a connect with the first data. MSG_FASTOPEN, sendto(2)
    pub fn isFastOpen(call: *const Call) bool {
        return @as(u32, @bitCast(call.flags)) & sys.MSG.FASTOPEN != 0;
    }
};
