#include "peer/files/file_protocol.hpp"

#include "shared/base/cursor.hpp"

namespace pinhole::peer::files {
namespace {

enum class Kind : std::uint8_t {
    kOffer = 1,
    kChunk = 2,
    kEnd = 3,
    kWithdraw = 4,
    kWant = 5,
    kCompare = 6,
    kGot = 7,
    kOutcome = 8,
};

constexpr std::uint8_t kExecutable = 1;
constexpr std::uint8_t kUnknownSize = 2;
constexpr std::size_t kOfferFixed = 4 + 1 + 1 + 8 + 8;
constexpr std::size_t kChunkFixed = 4 + 4 + 32;
constexpr std::size_t kOutcomeFixed = 4 + 1;

Parsed<Frame> read_offer(Reader& reader) {
    Offer out{.number = reader.u32()};
    const std::uint8_t kind = reader.u8();
    const std::uint8_t flags = reader.u8();
    out.is_executable = (flags & kExecutable) != 0;
    out.size = reader.u64();
    out.mtime = static_cast<std::int64_t>(reader.u64());
    out.path = as_text(reader.take_rest());
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (out.path.empty()) return dropped(Drop::kBadLength);
    if (kind != 1 && kind != 2) return dropped(Drop::kBadField);
    out.kind = static_cast<EntryKind>(kind);
    const bool is_growing = (flags & kUnknownSize) != 0;
    const bool has_size = out.kind == EntryKind::kFile && !is_growing;
    if (out.size > (has_size ? kFileBytesMax : 0)) return dropped(Drop::kBadField);
    if (flags > (out.kind == EntryKind::kFile ? kExecutable | kUnknownSize : kExecutable)) {
        return dropped(Drop::kBadField);
    }
    if (is_growing) out.size = kSizeUnknown;
    return out;
}

Parsed<Frame> read_chunk(Reader& reader) {
    Chunk out{.number = reader.u32(), .index = reader.u32(), .hash = reader.fixed<32>()};
    out.bytes = reader.take_rest();
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (out.bytes.empty()) return dropped(Drop::kBadLength);
    return out;
}

Parsed<Frame> read_outcome(Reader& reader) {
    EntryOutcome out{.number = reader.u32()};
    const std::uint8_t outcome = reader.u8();
    out.text = as_text(reader.take_rest());
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (outcome == 0 || outcome > static_cast<std::uint8_t>(Outcome::kFailed)) {
        return dropped(Drop::kBadField);
    }
    out.outcome = static_cast<Outcome>(outcome);
    return out;
}

/// A frame whose fields were all read.
Parsed<Frame> exact(const Reader& reader, const Frame& frame) {
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (reader.remaining() > 0) return dropped(Drop::kBadLength);
    return frame;
}

Parsed<Frame> read_body(Kind kind, Reader& reader) {
    switch (kind) {
        case Kind::kOffer: return read_offer(reader);
        case Kind::kChunk: return read_chunk(reader);
        case Kind::kOutcome: return read_outcome(reader);
        case Kind::kEnd: {
            const End end{.number = reader.u32(), .hash = reader.fixed<32>()};
            return exact(reader, end);
        }
        case Kind::kWithdraw: {
            const Withdraw withdraw{.number = reader.u32()};
            return exact(reader, withdraw);
        }
        case Kind::kWant: {
            const Want want{
                .number = reader.u32(), .chunks = reader.u32(), .hash = reader.fixed<32>()};
            return exact(reader, want);
        }
        case Kind::kCompare: {
            const Compare compare{.number = reader.u32()};
            return exact(reader, compare);
        }
        case Kind::kGot: {
            const Got got{.number = reader.u32(), .bytes = reader.u64()};
            return exact(reader, got);
        }
    }
    return dropped(Drop::kUnknownFrame);
}

class FrameWriter {
  public:
    explicit FrameWriter(ByteVector& out) : out_(out) {}

    void operator()(const Offer& offer) {
        assert(offer.path.size() <= kPathBytesMax);
        const bool is_growing = offer.size == kSizeUnknown;
        const int flags = (offer.is_executable ? kExecutable : 0) | (is_growing ? kUnknownSize : 0);
        begin(Kind::kOffer, kOfferFixed + offer.path.size())
            .u32(offer.number)
            .u8(static_cast<std::uint8_t>(offer.kind))
            .u8(static_cast<std::uint8_t>(flags))
            .u64(is_growing ? 0 : offer.size)
            .u64(static_cast<std::uint64_t>(offer.mtime))
            .bytes(as_bytes(offer.path));
    }
    void operator()(const Chunk& chunk) {
        begin(Kind::kChunk, kChunkFixed + chunk.bytes.size())
            .u32(chunk.number)
            .u32(chunk.index)
            .bytes(chunk.hash)
            .bytes(chunk.bytes);
    }
    void operator()(const End& end) { begin(Kind::kEnd, 4 + 32).u32(end.number).bytes(end.hash); }
    void operator()(const Withdraw& withdraw) { begin(Kind::kWithdraw, 4).u32(withdraw.number); }
    void operator()(const Want& want) {
        begin(Kind::kWant, 4 + 4 + 32).u32(want.number).u32(want.chunks).bytes(want.hash);
    }
    void operator()(const Compare& compare) { begin(Kind::kCompare, 4).u32(compare.number); }
    void operator()(const Got& got) { begin(Kind::kGot, 4 + 8).u32(got.number).u64(got.bytes); }
    void operator()(const EntryOutcome& outcome) {
        assert(outcome.text.size() <= kOutcomeTextMax);
        begin(Kind::kOutcome, kOutcomeFixed + outcome.text.size())
            .u32(outcome.number)
            .u8(static_cast<std::uint8_t>(outcome.outcome))
            .bytes(as_bytes(outcome.text));
    }

  private:
    /// Makes room for the frame, and returns a writer of its body.
    Writer begin(Kind kind, std::size_t size) {
        const std::size_t before = out_.size();
        out_.resize(before + kFrameHeadSize + size);
        Writer writer{MutableBytes{out_}.subspan(before)};
        writer.u8(static_cast<std::uint8_t>(kind)).u32(static_cast<std::uint32_t>(size));
        return writer;
    }

    ByteVector& out_;
};

}  // namespace

Parsed<Announcement> parse_announcement(Bytes argument) {
    Reader reader{argument};
    Announcement out{.version = reader.u8(), .entries = reader.u32(), .bytes = reader.u64()};
    const std::size_t length = reader.u8();
    if (!reader.ok()) return dropped(Drop::kRunt);
    if (length > reader.remaining()) return dropped(Drop::kBadLength);
    out.name = as_text(reader.take(length));
    if (reader.remaining() >= sizeof(Hash)) out.manifest = reader.fixed<sizeof(Hash)>();
    if (out.version == 0) return dropped(Drop::kUnknownVersion);
    if (out.entries > kEntriesMax) return dropped(Drop::kBadField);
    return out;
}

ByteVector encode(const Announcement& announcement) {
    assert(announcement.name.size() <= kComponentBytesMax);
    ByteVector out(1 + 4 + 8 + 1 + announcement.name.size() +
                   (announcement.manifest ? sizeof(Hash) : 0));
    Writer writer{out};
    writer.u8(announcement.version)
        .u32(announcement.entries)
        .u64(announcement.bytes)
        .u8(static_cast<std::uint8_t>(announcement.name.size()))
        .bytes(as_bytes(announcement.name));
    if (announcement.manifest) writer.bytes(*announcement.manifest);
    return out;
}

Parsed<std::size_t> body_size_max(std::uint8_t kind) {
    switch (static_cast<Kind>(kind)) {
        case Kind::kOffer: return kOfferFixed + kPathBytesMax;
        case Kind::kChunk: return kChunkFixed + kChunkBytes;
        case Kind::kEnd: return 4 + 32;
        case Kind::kWithdraw:
        case Kind::kCompare: return 4;
        case Kind::kWant: return 4 + 4 + 32;
        case Kind::kGot: return 4 + 8;
        case Kind::kOutcome: return kOutcomeFixed + kOutcomeTextMax;
    }
    return dropped(Drop::kUnknownFrame);
}

Parsed<Frame> parse_frame(Bytes frame) {
    Reader reader{frame};
    const std::uint8_t kind = reader.u8();
    const std::uint32_t size = reader.u32();
    if (!reader.ok()) return dropped(Drop::kRunt);
    const auto size_max = body_size_max(kind);
    if (!size_max) return dropped(size_max.error());
    if (size != reader.remaining() || size > *size_max) return dropped(Drop::kBadLength);
    return read_body(static_cast<Kind>(kind), reader);
}

void append(ByteVector& out, const Frame& frame) {
    std::visit(FrameWriter{out}, frame);
}

void write_chunk_head(MutableBytes out, const Chunk& chunk) {
    assert(out.size() == kChunkHeadSize);
    Writer{out}
        .u8(static_cast<std::uint8_t>(Kind::kChunk))
        .u32(static_cast<std::uint32_t>(kChunkFixed + chunk.bytes.size()))
        .u32(chunk.number)
        .u32(chunk.index)
        .bytes(chunk.hash);
}

}  // namespace pinhole::peer::files
