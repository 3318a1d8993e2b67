//! Messages of sendmsg(2) and recvmsg(2), as the kernel has them.
//!
//! musl's structures have shorter lengths, with padding. It clears that before the call, so after a call the
//! kernel's view holds there too; before one, only the low half of a guest's lengths counts.

/// struct msghdr
pub const Message = extern struct {
    name: ?*const anyopaque,
    name_length: c_uint,
    data: ?*const anyopaque,
    data_count: usize,
    control: ?[*]const u8,
    control_length: usize,
    flags: c_int,
};

/// struct mmsghdr
pub const NumberedMessage = extern struct { message: Message, length: c_uint };

/// struct iovec
pub const Piece = extern struct { data: ?*const anyopaque, length: usize };

/// struct cmsghdr, followed by the data; the next one begins at the next multiple of a word.
pub const Header = extern struct { length: usize, level: c_int, kind: c_int };
