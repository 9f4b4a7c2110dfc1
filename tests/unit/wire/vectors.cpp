#include "tests/unit/wire/vectors.hpp"

#include <fstream>
#include <map>
#include <stdexcept>

#include "tests/unit/wire/describe.hpp"

namespace pinhole::wire::test {
namespace {

// Longer than any vector; what an encoder leaves unused is cut off.
constexpr std::size_t kStorageSize = 2048;

template <class Encode>
ByteVector encoded_by(Encode encode) {
    ByteVector out(kStorageSize);
    out.resize(encode(MutableBytes{out}));
    return out;
}

template <class T>
Parsed<Decoded> plain(const Parsed<T>& parsed) {
    if (!parsed) return dropped(parsed.error());
    return Decoded{describe(*parsed),
                   encoded_by([&](MutableBytes out) { return encode(*parsed, out); })};
}

template <class Variant>
Parsed<Decoded> any_frame(const Parsed<Variant>& parsed) {
    if (!parsed) return dropped(parsed.error());
    return std::visit(
        [](const auto& frame) -> Parsed<Decoded> {
            return Decoded{describe(frame),
                           encoded_by([&](MutableBytes out) { return encode(frame, out); })};
        },
        *parsed);
}

Parsed<Decoded> initiation(Bytes bytes) {
    const auto parsed = parse_initiation(bytes);
    if (!parsed) return dropped(parsed.error());
    return Decoded{describe(*parsed), encoded_by([&](MutableBytes out) {
                       const std::size_t covered = encode_covered(*parsed, out);
                       Writer writer{out.subspan(covered)};
                       return covered + writer.bytes(parsed->mac1).bytes(parsed->cookie).size();
                   })};
}

Parsed<Decoded> response(Bytes bytes) {
    const auto parsed = parse_response(bytes);
    if (!parsed) return dropped(parsed.error());
    return Decoded{describe(*parsed), encoded_by([&](MutableBytes out) {
                       const std::size_t covered = encode_covered(*parsed, out);
                       Writer writer{out.subspan(covered)};
                       return covered + writer.bytes(parsed->mac1).size();
                   })};
}

/// The sealed frame behind the header is copied: sealing is not this floor's.
Parsed<Decoded> transport(Bytes bytes) {
    const auto parsed = parse_transport_header(bytes);
    if (!parsed) return dropped(parsed.error());
    return Decoded{describe(*parsed), encoded_by([&](MutableBytes out) {
                       encode_header(*parsed, out);
                       Writer writer{out.subspan(kTransportHeaderSize)};
                       writer.bytes(bytes.subspan(kTransportHeaderSize));
                       return kTransportHeaderSize + writer.size();
                   })};
}

Parsed<Decoded> id(Bytes bytes) {
    Reader reader{bytes};
    const auto parsed = Id::read(reader);
    if (!parsed) return dropped(parsed.error());
    return Decoded{describe(*parsed), encoded_by([&](MutableBytes out) {
                       Writer writer{out};
                       parsed->write(writer);
                       return writer.size();
                   })};
}

/// A STUN request is never written here, so its "encoding" is the input.
Parsed<Decoded> stun_request(Bytes bytes) {
    const auto parsed = parse_stun_request(bytes);
    if (!parsed) return dropped(parsed.error());
    return Decoded{describe(*parsed), to_vector(bytes)};
}

using Decoder = Parsed<Decoded> (*)(Bytes);

Decoder decoder_named(const std::string& parser) {
    static const std::map<std::string, Decoder> kDecoders{
        {"binding_request", [](Bytes b) { return plain(parse_binding_request(b)); }},
        {"binding_response", [](Bytes b) { return plain(parse_binding_response(b)); }},
        {"initiation", initiation},
        {"response", response},
        {"retry", [](Bytes b) { return plain(parse_retry(b)); }},
        {"handshake_payload", [](Bytes b) { return plain(parse_handshake_payload(b)); }},
        {"transport", transport},
        {"opener", [](Bytes b) { return plain(parse_opener(b)); }},
        {"gone", [](Bytes b) { return plain(parse_gone(b)); }},
        {"peer_frame", [](Bytes b) { return any_frame(parse_peer_frame(b)); }},
        {"client_frame", [](Bytes b) { return any_frame(parse_client_frame(b)); }},
        {"server_frame", [](Bytes b) { return any_frame(parse_server_frame(b)); }},
        {"id", id},
        {"stun_request", stun_request},
    };
    return kDecoders.at(parser);
}

}  // namespace

VectorFile load_vectors() {
    std::ifstream stream{PINHOLE_SOURCE_DIR "/tests/vectors/wire.json"};
    const auto file = nlohmann::json::parse(stream);
    VectorFile out;
    for (const auto& entry : file.at("vectors")) {
        const std::string bytes = entry.at("bytes");
        out.vectors.push_back({.name = entry.at("name"),
                               .parser = entry.at("parser"),
                               .fields = entry.at("fields"),
                               .bytes = from_hex(bytes),
                               .canonical = from_hex(entry.value("canonical", bytes))});
    }
    for (const auto& entry : file.at("refused")) {
        out.refused.push_back({.name = entry.at("name"),
                               .parser = entry.at("parser"),
                               .drop = entry.at("drop"),
                               .bytes = from_hex(entry.at("bytes"))});
    }
    return out;
}

Parsed<Decoded> decode(const std::string& parser, Bytes bytes) {
    return decoder_named(parser)(bytes);
}

std::string to_hex(Bytes bytes) {
    std::string out;
    for (const std::byte octet : bytes) {
        out += fmt::format("{:02x}", std::to_integer<unsigned>(octet));
    }
    return out;
}

ByteVector from_hex(const std::string& text) {
    if (text.size() % 2 != 0) throw std::invalid_argument{"odd number of hex digits"};
    ByteVector out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        out.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
    }
    return out;
}

}  // namespace pinhole::wire::test
