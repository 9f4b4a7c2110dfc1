// Runs the public Noise vectors of seven patterns over `SymmetricState`, with an interpreter of
// tokens that only exists here. `noise_test.cpp` runs those of our pattern over `NoiseHandshake`.
#include "shared/crypto/symmetric_state.hpp"

#include <iostream>
#include <map>

#include <gtest/gtest.h>

#include "shared/crypto/cipher.hpp"
#include "shared/crypto/keys.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace pinhole::crypto {
namespace {

using nlohmann::json;
using test::hex_field;
using test::to_hex;

enum class Token { kE, kS, kEe, kEs, kSe, kSs, kPsk };
using enum Token;

struct Pattern {
    bool initiator_is_known = false;  ///< "-> s" before the first message
    bool responder_is_known = false;  ///< "<- s" before the first message
    bool has_psk = false;
    std::vector<std::vector<Token>> messages;
};

// Noise specification, sections 7.4, 7.5 and 9.4.
const std::map<std::string, Pattern> kPatterns = {
    {"NN", {.messages = {{kE}, {kE, kEe}}}},
    {"NK", {.responder_is_known = true, .messages = {{kE, kEs}, {kE, kEe}}}},
    {"KK",
     {.initiator_is_known = true,
      .responder_is_known = true,
      .messages = {{kE, kEs, kSs}, {kE, kEe, kSe}}}},
    {"IK", {.responder_is_known = true, .messages = {{kE, kEs, kS, kSs}, {kE, kEe, kSe}}}},
    {"IKpsk2",
     {.responder_is_known = true,
      .has_psk = true,
      .messages = {{kE, kEs, kS, kSs}, {kE, kEe, kSe, kPsk}}}},
    {"XX", {.messages = {{kE}, {kE, kEe, kS, kEs}, {kS, kSe}}}},
    {"XXpsk3", {.has_psk = true, .messages = {{kE}, {kE, kEe, kS, kEs}, {kS, kSe, kPsk}}}},
};

/// One side of a handshake, driven token by token.
class Party {
  public:
    Party(const json& vector, bool is_initiator, const Pattern& pattern)
        : state_(vector.at("protocol_name").get<std::string>()),
          is_initiator_(is_initiator),
          has_psk_(pattern.has_psk) {
        const std::string side = is_initiator ? "init_" : "resp_";
        static_ = key_pair(vector, side + "static");
        ephemeral_ = key_pair(vector, side + "ephemeral");
        const std::string remote = side + "remote_static";
        if (vector.contains(remote)) {
            remote_static_ = PublicKey::from_bytes(hex_field(vector, remote.c_str()));
        }
        if (has_psk_) {
            psk_ = test::from_hex(vector.at(side + "psks").at(0).get<std::string>());
        }
        state_.mix_hash(hex_field(vector, (side + "prologue").c_str()));
        if (pattern.initiator_is_known) {
            state_.mix_hash((is_initiator ? static_.public_key : remote_static_).bytes());
        }
        if (pattern.responder_is_known) {
            state_.mix_hash((is_initiator ? remote_static_ : static_.public_key).bytes());
        }
    }

    ByteVector write(const std::vector<Token>& tokens, Bytes payload) {
        ByteVector message;
        for (const Token token : tokens) {
            if (token == kE) {
                append(message, ephemeral_.public_key.bytes());
                mix_ephemeral(ephemeral_.public_key);
            } else if (token == kS) {
                append_sealed(message, static_.public_key.bytes());
            } else {
                mix(token);
            }
        }
        append_sealed(message, payload);
        return message;
    }

    /// Nothing when the message does not verify.
    std::optional<ByteVector> read(const std::vector<Token>& tokens, Bytes message) {
        for (const Token token : tokens) {
            if (token == kE) {
                remote_ephemeral_ = PublicKey::from_bytes(message.first(kKeySize));
                message = message.subspan(kKeySize);
                mix_ephemeral(remote_ephemeral_);
            } else if (token == kS) {
                const std::size_t size = kKeySize + state_.overhead();
                if (!state_.decrypt_and_hash(message.first(size), remote_static_.raw)) return {};
                message = message.subspan(size);
            } else {
                mix(token);
            }
        }
        ByteVector payload(message.size() - state_.overhead());
        if (!state_.decrypt_and_hash(message, payload)) return {};
        return payload;
    }

    [[nodiscard]] const SymmetricState& state() const { return state_; }

  private:
    static KeyPair key_pair(const json& vector, const std::string& name) {
        if (!vector.contains(name)) return {};
        return KeyPair::from_secret(SecretKey{hex_field(vector, name.c_str())});
    }

    static void append(ByteVector& message, Bytes bytes) {
        message.insert(message.end(), bytes.begin(), bytes.end());
    }

    void append_sealed(ByteVector& message, Bytes text) {
        ByteVector sealed(text.size() + state_.overhead());
        state_.encrypt_and_hash(text, sealed);
        append(message, sealed);
    }

    void mix_ephemeral(const PublicKey& ephemeral) {
        state_.mix_hash(ephemeral.bytes());
        if (has_psk_) state_.mix_key(ephemeral.bytes());
    }

    void mix(Token token) {
        if (token == kPsk) return state_.mix_key_and_hash(psk_);
        // The first letter names the initiator's key, the second the responder's.
        const bool initiator_static = token == kSe || token == kSs;
        const bool responder_static = token == kEs || token == kSs;
        const bool local_static = is_initiator_ ? initiator_static : responder_static;
        const bool remote_static = is_initiator_ ? responder_static : initiator_static;
        const auto shared = diffie_hellman((local_static ? static_ : ephemeral_).secret,
                                           remote_static ? remote_static_ : remote_ephemeral_);
        state_.mix_key(shared.value().bytes());
    }

    SymmetricState state_;
    bool is_initiator_;
    bool has_psk_;
    KeyPair static_;
    KeyPair ephemeral_;
    PublicKey remote_static_;
    PublicKey remote_ephemeral_;
    ByteVector psk_;
};

/// The messages after the handshake, which alternate as those of the handshake did.
void check_transport(const json& messages, std::size_t first, const SymmetricState& state) {
    const auto [from_initiator, from_responder] = state.split();
    Cipher ciphers[] = {Cipher{CipherSuite::kChaCha20Poly1305, from_initiator},
                        Cipher{CipherSuite::kChaCha20Poly1305, from_responder}};
    std::uint64_t counters[] = {0, 0};
    for (std::size_t i = first; i < messages.size(); ++i) {
        ByteVector text = hex_field(messages[i], "payload");
        text.resize(text.size() + kTagSize);
        ciphers[i % 2].seal_in_place(counters[i % 2]++, {}, text);
        EXPECT_EQ(to_hex(text), messages[i].at("ciphertext").get<std::string>()) << "message " << i;
    }
}

void run_vector(const json& vector, const Pattern& pattern) {
    Party parties[] = {Party{vector, true, pattern}, Party{vector, false, pattern}};
    const json& messages = vector.at("messages");
    for (std::size_t i = 0; i < pattern.messages.size(); ++i) {
        const ByteVector payload = hex_field(messages[i], "payload");
        const ByteVector written = parties[i % 2].write(pattern.messages[i], payload);
        ASSERT_EQ(to_hex(written), messages[i].at("ciphertext").get<std::string>())
            << "message " << i;
        ASSERT_EQ(parties[1 - i % 2].read(pattern.messages[i], written), payload)
            << "message " << i;
    }
    EXPECT_EQ(parties[0].state().hash(), parties[1].state().hash());
    if (vector.contains("handshake_hash")) {
        EXPECT_EQ(to_hex(parties[0].state().hash()),
                  vector.at("handshake_hash").get<std::string>());
    }
    check_transport(messages, pattern.messages.size(), parties[0].state());
    check_transport(messages, pattern.messages.size(), parties[1].state());
}

void run_file(const json& file) {
    int count = 0;
    for (const json& vector : file.at("vectors")) {
        const auto name = vector.at("protocol_name").get<std::string>();
        SCOPED_TRACE(name);
        const std::string pattern = name.substr(6, name.find('_', 6) - 6);
        ASSERT_TRUE(kPatterns.contains(pattern));
        run_vector(vector, kPatterns.at(pattern));
        ++count;
    }
    std::cout << count << " vectors\n";
    EXPECT_GT(count, 0);
}

TEST(SymmetricState, PassesTheVectorsOfCacophony) {
    PINHOLE_LOAD_VECTORS(file, "noise-cacophony.json");
    run_file(file);
}

TEST(SymmetricState, PassesTheVectorsOfSnow) {
    PINHOLE_LOAD_VECTORS(file, "noise-snow.json");
    run_file(file);
}

TEST(SymmetricState, SealsNothingBeforeTheFirstKey) {
    SymmetricState state{"Noise_NN_25519_ChaChaPoly_SHA256"};
    EXPECT_EQ(state.overhead(), 0U);
    ByteVector out(5);
    state.encrypt_and_hash(as_bytes("clear"), out);
    EXPECT_EQ(as_text(out), "clear");
    state.mix_key(as_bytes("key"));
    EXPECT_EQ(state.overhead(), kTagSize);
}

TEST(SymmetricState, CloneGoesItsOwnWay) {
    SymmetricState state{"Noise_NN_25519_ChaChaPoly_SHA256"};
    state.mix_key(as_bytes("key"));
    SymmetricState copy = state.clone();
    ByteVector ours(20);
    ByteVector theirs(20);
    state.encrypt_and_hash(as_bytes("text"), ours);
    copy.encrypt_and_hash(as_bytes("text"), theirs);
    EXPECT_EQ(ours, theirs);
    copy.mix_hash(as_bytes("more"));
    EXPECT_NE(state.hash(), copy.hash());
}

}  // namespace
}  // namespace pinhole::crypto
