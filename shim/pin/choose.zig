//! connect(2) and listen(2), a send that connects, and a bind(2) that is carried out late: whoever comes here without
//! a port gets one.
//!
//! Rule: a destination's first rule says which ports and which source, or that it is left alone. A server has the
//! policy's own, and where the policy says so its source in the wildcard's place.

const at_source = @import("at_source.zig");
const deferral = @import("../deferral.zig");
const keep = @import("keep.zig");
const source = @import("../source.zig");
const Call = @import("../call.zig").Call;

pub fn decide(pin: anytype, call: *const Call) isize {
    const own = &pin.settings.own;
    if (!pin.may.look_further or !keep.looksAtDestination(pin)) return keep.run(pin, own, call, null);
    if (call.moment == .connect or call.moment == .send) return towards(pin, call);
    const end: deferral.Reading = .{ .name = at_source.serverEnd(pin, call.fd), .begun = false };
    return keep.run(pin, own, call, if (end.name == null) null else &end);
}

fn towards(pin: anytype, call: *const Call) isize {
    var reading = readDestination(pin, call);
    const destination = &(reading.name orelse return keep.run(pin, &pin.settings.own, call, null));
    const choice = keep.choiceFor(pin, call.fd, destination);
    const from = if (choice) |it| source.towards(it.source, destination) else null;
    const is_usable = if (from) |*name| !source.isOffLink(name, destination) else false;
    if (reading.begun and !is_usable) deferral.undo(pin.system, call.fd);
    if (choice == null) return keep.leaveAlone(pin, call);
    if (from != null and !is_usable and pin.settings.when_unkept == .refuse) return pin.fail(.ADDRNOTAVAIL);
    reading.name = from;
    return keep.run(pin, choice.?, call, if (is_usable) &reading else null);
}

/// Where the guest has never bound a socket, this one is not bound either, and the call that defers our
/// own bind tells at once whether the address can be read.
fn readDestination(pin: anytype, call: *const Call) deferral.Reading {
    if (pin.may.force_source and call.moment == .connect and !pin.may_hold_bound.load(.monotonic)) {
        return deferral.beginAt(pin.system, call.fd, call.address, call.length);
    }
    return .{ .name = call.destination(pin.system), .begun = false };
}
