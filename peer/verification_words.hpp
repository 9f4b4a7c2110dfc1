// Twelve words that two people read to each other to be sure that nobody stands between them.
//
// Both sides make them of both public keys, so they are equal exactly if each has the key that the
// other one shows; who swapped a key would have to find one that gives the same 192 bits. The words
// are proquints (D. S. Wilkerson, arXiv 0901.4016): five letters for 16 bits, which can be spoken
// in most languages and need no list.
#pragma once

#include <array>
#include <string>

#include "shared/crypto/keys.hpp"

namespace pinhole::peer {

inline constexpr std::size_t kVerificationWords = 12;

/// The same for both orders of the keys.
[[nodiscard]] std::array<std::string, kVerificationWords> verification_words(
    const crypto::PublicKey& one, const crypto::PublicKey& other);

/// A proquint, such as "lusab".
[[nodiscard]] std::string word_of(std::uint16_t bits);

}  // namespace pinhole::peer
