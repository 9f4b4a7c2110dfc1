#include "peer/verification_words.hpp"

#include <algorithm>

#include "shared/base/cursor.hpp"
#include "shared/crypto/digest.hpp"

namespace pinhole::peer {

std::array<std::string, kVerificationWords> verification_words(const crypto::PublicKey& one,
                                                               const crypto::PublicKey& other) {
    const auto& [smaller, larger] = std::minmax(one, other);
    const auto hash = crypto::blake2b("pinhole words v1", smaller.bytes(), larger.bytes());
    std::array<std::string, kVerificationWords> out;
    Reader reader{hash};
    for (std::string& word : out) word = word_of(reader.u16());
    return out;
}

std::string word_of(std::uint16_t bits) {
    constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
    constexpr std::string_view kVowels = "aiou";
    std::string out;
    // Four bits, two bits, and so on, the highest first.
    for (const unsigned shift : {12U, 10U, 6U, 4U, 0U}) {
        const bool is_vowel = out.size() % 2 == 1;
        const unsigned value = static_cast<unsigned>(bits) >> shift;
        out += is_vowel ? kVowels[value & 3U] : kConsonants[value & 15U];
    }
    return out;
}

}  // namespace pinhole::peer
