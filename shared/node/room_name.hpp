// What a room is called towards the rendezvous.
//
// An open room goes by its own name. Of a group with a key it is closed: it goes by a name that
// only those with the key can make, so neither the server nor a stranger learns what it is called,
// and nobody else can find it.
#pragma once

#include "shared/crypto/key_text.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::node {

/// `room` itself when `key` is all zero, which stands for no group key; else the first 20 bytes of
/// BLAKE2b (personal "pinhole room", keyed with `key`, over the characters of `room`) in base32.
[[nodiscard]] wire::Id room_name_on_wire(const wire::Id& room, const crypto::Psk& key);

}  // namespace pinhole::node
