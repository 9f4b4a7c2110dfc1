#include "shared/node/room_name.hpp"

#include "shared/crypto/base32.hpp"
#include "shared/crypto/digest.hpp"

namespace pinhole::node {
namespace {

/// 160 bits: nobody finds two rooms with one name, and they fill an id exactly.
constexpr std::size_t kNameBytes = 20;
static_assert(crypto::base32_size(kNameBytes) == wire::Id::kSizeMax);

}  // namespace

wire::Id room_name_on_wire(const wire::Id& room, const crypto::Psk& key) {
    const Bytes secret = key.bytes();
    if (std::ranges::all_of(secret, [](std::byte b) { return b == std::byte{0}; })) return room;
    const auto digest = crypto::blake2b("pinhole room", secret, as_bytes(room.text()));
    const auto name = wire::Id::parse(crypto::to_base32(Bytes{digest}.first(kNameBytes)));
    assert(name);
    return *name;
}

}  // namespace pinhole::node
