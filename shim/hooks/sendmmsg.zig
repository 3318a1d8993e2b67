//! sendmmsg(2): the same moments as sendto(2), for the first message. It fails only if that one fails.

const address = @import("../address.zig");
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const process = @import("../process.zig");
const Call = @import("../call.zig").Call;
const NumberedMessage = @import("../message.zig").NumberedMessage;
const Policy = @import("../Policy.zig");
const Sourced = @import("../pktinfo.zig").Sourced;

const hook = @This();
const may_have_source = instance.policy.mayHaveSource();

pub const symbol = "sendmmsg";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, messages: ?[*]NumberedMessage, count: c_uint, flags: c_int) callconv(.c) c_int {
    var guest: Guest = .{
        .call = .{
            .fd = fd,
            .moment = .send,
            .run = run,
            .message = @ptrCast(messages),
            .flags = flags,
            .run_from_source = if (may_have_source) runFromSource else null,
        },
        .messages = messages,
        .count = count,
    };
    const pin = instance.get() orelse return @intCast(run(&guest.call));
    return @intCast(pin.choose(&guest.call));
}

const Guest = struct { call: Call, messages: ?[*]NumberedMessage, count: c_uint };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.call(hook, .{ guest.call.fd, guest.messages, guest.count, guest.call.flags });
}

/// So many messages at a time have their sources on our stack.
const batch_max = 8;

/// In batches: sendmmsg(2) itself sends one message after the other, and says how many went before one failed.
fn runFromSource(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    const messages = guest.messages.?;
    const before = process.errno();
    var sent: c_uint = 0;
    while (sent < guest.count) {
        const count = readableOf(messages + sent, @min(batch_max, guest.count - sent));
        // What cannot be read is for the kernel to refuse.
        const result = if (count == 0) next.call(hook, .{ guest.call.fd, messages + sent, 1, guest.call.flags }) else runBatch(guest, messages + sent, count);
        if (result < 0) {
            if (sent == 0) return -1;
            process.setErrno(before);
            break;
        }
        sent += @intCast(result);
        if (result < count) break;
    }
    return @intCast(sent);
}

fn readableOf(messages: [*]const NumberedMessage, count: c_uint) c_uint {
    const system = instance.get().?.system;
    for (messages[0..count], 0..) |*message, index| {
        if (!address.canRead(system, message, @sizeOf(NumberedMessage))) return @intCast(index);
    }
    return count;
}

fn runBatch(guest: *const Guest, messages: [*]NumberedMessage, count: c_uint) isize {
    const pin = instance.get().?;
    var rooms: [batch_max]Sourced = undefined;
    var batch: [batch_max]NumberedMessage = undefined;
    for (batch[0..count], rooms[0..count], messages) |*one, *room, *given| {
        one.message = pin.fromSource(guest.call.fd, room, &given.message).*;
    }
    const result = next.call(hook, .{ guest.call.fd, &batch, count, guest.call.flags });
    // The kernel writes how much of each went; the guest's structure is its own to write to.
    const sent: usize = if (result > 0) @intCast(result) else 0;
    for (messages[0..sent], batch[0..sent]) |*given, *one| given.length = one.length;
    return result;
}
