#include "shared/base/endpoint.hpp"

#include <charconv>

#include "shared/base/cursor.hpp"

namespace pinhole {
namespace {

constexpr std::size_t kV4Offset = 12;  // RFC 4291 2.5.5.2: ::ffff:a.b.c.d

std::uint8_t octet(std::byte value) {
    return std::to_integer<std::uint8_t>(value);
}

bool is_v4_mapped(const FixedBytes<16>& raw) {
    return std::ranges::all_of(raw.begin(), raw.begin() + 10,
                               [](std::byte value) { return value == std::byte{0}; }) &&
           raw[10] == std::byte{0xff} && raw[11] == std::byte{0xff};
}

/// True when the first `length` bits of `a` and `b` are the same.
bool shares_prefix(const FixedBytes<16>& a, const FixedBytes<16>& b, unsigned length) {
    for (unsigned bit = 0; bit < length; bit += 8) {
        const unsigned used = std::min(8U, length - bit);
        const auto mask = static_cast<std::byte>(0xff00U >> used);
        if (((a[bit / 8] ^ b[bit / 8]) & mask) != std::byte{0}) return false;
    }
    return true;
}

bool in_v4_block(std::uint32_t ip, std::uint32_t block, unsigned length) {
    return ((ip ^ block) >> (32U - length)) == 0;
}

// RFC 6890 and its updates, as far as a peer's candidate could ever carry them.
Scope scope_of_v4(std::uint32_t ip) {
    if (in_v4_block(ip, 0x7f000000, 8)) return Scope::kLoopback;
    if (in_v4_block(ip, 0xa9fe0000, 16)) return Scope::kLinkLocal;
    if (in_v4_block(ip, 0x00000000, 8)) return Scope::kUnusable;  // "this network"
    if (in_v4_block(ip, 0xe0000000, 4)) return Scope::kUnusable;  // multicast
    if (in_v4_block(ip, 0xf0000000, 4)) return Scope::kUnusable;  // reserved, broadcast
    if (in_v4_block(ip, 0x0a000000, 8)) return Scope::kPrivate;
    if (in_v4_block(ip, 0xac100000, 12)) return Scope::kPrivate;
    if (in_v4_block(ip, 0xc0a80000, 16)) return Scope::kPrivate;
    if (in_v4_block(ip, 0x64400000, 10)) return Scope::kPrivate;  // RFC 6598, carrier NAT
    return Scope::kPublic;
}

Scope scope_of_v6(const FixedBytes<16>& ip) {
    static constexpr FixedBytes<16> kUnspecified{};
    if (ip == kUnspecified) return Scope::kUnusable;
    FixedBytes<16> loopback{};
    loopback[15] = std::byte{1};
    if (ip == loopback) return Scope::kLoopback;
    if (octet(ip[0]) == 0xff) return Scope::kUnusable;  // multicast
    if (octet(ip[0]) == 0xfe && (octet(ip[1]) & 0xc0U) == 0x80) return Scope::kLinkLocal;
    if ((octet(ip[0]) & 0xfeU) == 0xfc) return Scope::kPrivate;  // unique local, RFC 4193
    // An address that carries an IPv4 one is judged by what it carries: IPv4-compatible (::/96)
    // is never ours to use; NAT64 (RFC 6052) and 6to4 (RFC 3056) inherit the inner scope.
    if (shares_prefix(ip, kUnspecified, 96)) return Scope::kUnusable;
    static constexpr FixedBytes<16> kNat64{std::byte{0x00}, std::byte{0x64}, std::byte{0xff},
                                           std::byte{0x9b}};
    if (shares_prefix(ip, kNat64, 96)) {
        const Scope inner = scope_of_v4(Reader{Bytes{ip}.subspan(kV4Offset)}.u32());
        return inner == Scope::kPublic ? Scope::kPublic : Scope::kUnusable;
    }
    if (octet(ip[0]) == 0x20 && octet(ip[1]) == 0x02) {
        const Scope inner = scope_of_v4(Reader{Bytes{ip}.subspan(2)}.u32());
        return inner == Scope::kPublic ? Scope::kPublic : Scope::kUnusable;
    }
    return Scope::kPublic;
}

std::optional<std::uint32_t> parse_number(std::string_view text, int base, std::uint32_t limit) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size() || value > limit) return {};
    return value;
}

std::optional<std::uint32_t> parse_v4(std::string_view text) {
    std::uint32_t bits = 0;
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = text.find('.');
        if ((part < 3) != (dot != std::string_view::npos)) return {};
        const std::string_view digits = text.substr(0, dot);
        if (digits.empty() || digits.size() > 3) return {};
        if (digits.size() > 1 && digits.front() == '0') return {};  // octal in some readers
        const auto value = parse_number(digits, 10, 255);
        if (!value) return {};
        bits = (bits << 8U) | *value;
        text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
    }
    return bits;
}

/// Reads colon-separated groups into `out` and returns how many bytes they fill; the last group may
/// be a dotted IPv4 address.
std::optional<std::size_t> parse_groups(std::string_view text, MutableBytes out) {
    Writer writer{out};
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        const bool is_last = colon == std::string_view::npos;
        if (is_last && group.find('.') != std::string_view::npos) {
            const auto v4 = parse_v4(group);
            if (!v4 || writer.remaining() < 4) return {};
            writer.u32(*v4);
            return writer.size();
        }
        const auto value = parse_number(group, 16, 0xffff);
        if (!value || group.size() > 4 || writer.remaining() < 2) return {};
        writer.u16(static_cast<std::uint16_t>(*value));
        if (is_last) return writer.size();
        text.remove_prefix(colon + 1);
        if (text.empty()) return {};  // a trailing single colon
    }
    return writer.size();
}

std::optional<FixedBytes<16>> parse_v6(std::string_view text) {
    FixedBytes<16> out{};
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        const auto size = parse_groups(text, out);
        return size == out.size() ? std::optional{out} : std::nullopt;
    }
    FixedBytes<16> head{};
    FixedBytes<16> tail{};
    const auto head_size = parse_groups(text.substr(0, gap), head);
    const auto tail_size = parse_groups(text.substr(gap + 2), tail);
    if (!head_size || !tail_size || *head_size + *tail_size > out.size() - 2) return {};
    std::ranges::copy(Bytes{head}.first(*head_size), out.begin());
    std::ranges::copy(Bytes{tail}.first(*tail_size),
                      out.end() - static_cast<std::ptrdiff_t>(*tail_size));
    return out;
}

/// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::".
std::string v6_text(const FixedBytes<16>& raw) {
    std::array<std::uint16_t, 8> groups{};
    Reader reader{raw};
    for (auto& group : groups) group = reader.u16();
    std::size_t best = 8;
    std::size_t best_length = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t length = 0;
        while (i + length < 8 && groups[i + length] == 0) ++length;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
    }
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == best) {
            out += "::";
            i += best_length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out += ':';
        out += fmt::format("{:x}", groups[i]);
    }
    return out;
}

/// 64-bit FNV-1a: only for tables whose keys an attacker cannot choose freely or whose size is
/// bounded; anything that faces the network keys its hash (see `crypto::Cookie`).
std::size_t fnv1a(Bytes bytes, std::size_t seed) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
    for (const std::byte value : bytes) hash = (hash ^ octet(value)) * 0x100000001b3ULL;
    return hash;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
    IpAddress out;
    Writer{MutableBytes{out.bytes_}.subspan(kV4Offset)}.u32(host_order);
    return out;
}

IpAddress IpAddress::v6(const FixedBytes<16>& raw) {
    IpAddress out;
    out.bytes_ = raw;
    out.family_ = is_v4_mapped(raw) ? Family::kV4 : Family::kV6;
    return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find(':') == std::string_view::npos) {
        const auto bits = parse_v4(text);
        return bits ? std::optional{v4(*bits)} : std::nullopt;
    }
    const auto raw = parse_v6(text);
    return raw ? std::optional{v6(*raw)} : std::nullopt;
}

IpAddress IpAddress::any(Family family) {
    return family == Family::kV4 ? v4(0) : v6(FixedBytes<16>{});
}

bool IpAddress::is_unspecified() const {
    return *this == any(family_);
}

Scope IpAddress::scope() const {
    return is_v4() ? scope_of_v4(v4_bits()) : scope_of_v6(bytes_);
}

std::uint32_t IpAddress::v4_bits() const {
    assert(is_v4());
    return Reader{Bytes{bytes_}.subspan(kV4Offset)}.u32();
}

IpAddress IpAddress::prefix(unsigned length) const {
    const unsigned kept = is_v4() ? length + 96 : length;
    assert(kept <= 128);
    IpAddress out = *this;
    for (unsigned bit = 0; bit < 128; bit += 8) {
        const unsigned used = kept > bit ? std::min(8U, kept - bit) : 0U;
        out.bytes_[bit / 8] &= static_cast<std::byte>(0xff00U >> used);
    }
    return out;
}

std::string IpAddress::to_string() const {
    if (is_v6()) return v6_text(bytes_);
    return fmt::format("{}.{}.{}.{}", octet(bytes_[12]), octet(bytes_[13]), octet(bytes_[14]),
                       octet(bytes_[15]));
}

IpAddress subscriber_prefix(const IpAddress& address) {
    return address.prefix(address.is_v4() ? 32 : 64);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    const auto port = parse_number(text.substr(colon + 1), 10, 65535);
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto ip = IpAddress::parse(host);
    if (!port || !ip || bracketed != (host.find(':') != std::string_view::npos)) return {};
    return Endpoint{*ip, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::to_string() const {
    return ip.is_v6() ? fmt::format("[{}]:{}", ip, port) : fmt::format("{}:{}", ip, port);
}

}  // namespace pinhole

std::size_t std::hash<pinhole::IpAddress>::operator()(const pinhole::IpAddress& ip) const noexcept {
    return pinhole::fnv1a(ip.v6_bytes(), static_cast<std::size_t>(ip.family()));
}

std::size_t std::hash<pinhole::Endpoint>::operator()(
    const pinhole::Endpoint& endpoint) const noexcept {
    return pinhole::fnv1a(endpoint.ip.v6_bytes(), endpoint.port);
}

std::size_t std::hash<pinhole::Path>::operator()(const pinhole::Path& path) const noexcept {
    return std::hash<pinhole::Endpoint>{}(path.remote) ^ (std::size_t{path.socket.value()} << 48U);
}
