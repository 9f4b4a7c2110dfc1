#include "shared/session/prologue.hpp"

#include <set>

#include "tests/unit/session/parties.hpp"

namespace pinhole::session {
namespace {

using test::id_of;
using test::introduction_of;

/// What `write` wrote, to compare a prologue with.
template <class Write>
Prologue written_by(Write write) {
    Prologue out;
    Writer writer{out.storage()};
    write(writer);
    out.resize(writer.size());
    return out;
}

TEST(Prologue, OfPeersIsTheDocumentedBytes) {
    PeerTerms terms{.nonce = {}, .initiator = id_of("ann"), .responder = id_of("bo")};
    terms.nonce.fill(std::byte{0x5a});
    const Prologue expected = written_by([&terms](Writer& writer) {
        writer.bytes(as_bytes("pinhole handshake")).u8(1).u8(0).bytes(terms.nonce);
        writer.u8(3).bytes(as_bytes("ann")).u8(2).bytes(as_bytes("bo"));
    });
    EXPECT_TRUE(same_bytes(peer_prologue(terms).bytes(), expected.bytes()));
}

TEST(Prologue, OfAServerHasNoNonceAndNoIds) {
    const Prologue expected = written_by([](Writer& writer) {
        writer.bytes(as_bytes("pinhole handshake")).u8(1).u8(1).zeros(16 + 2);
    });
    EXPECT_TRUE(same_bytes(server_prologue().bytes(), expected.bytes()));
}

TEST(Prologue, OfARekeyIsTheHandshakeBeforeIt) {
    FixedBytes<32> hash;
    hash.fill(std::byte{0xc3});
    const Prologue expected = written_by(
        [&hash](Writer& writer) { writer.bytes(as_bytes("pinhole rekey")).bytes(hash); });
    EXPECT_TRUE(same_bytes(rekey_prologue(hash).bytes(), expected.bytes()));
}

TEST(Prologue, OfAnAttemptEndsWithItsIndex) {
    const Prologue expected =
        written_by([](Writer& writer) { writer.bytes(server_prologue().bytes()).u32(0x01020304); });
    const Prologue attempt = prologue_of_attempt(server_prologue(), SessionIndex{0x01020304});
    EXPECT_TRUE(same_bytes(attempt.bytes(), expected.bytes()));
}

TEST(Prologue, TellsAllMeetingsApart) {
    PeerTerms turned = introduction_of(1);
    std::swap(turned.initiator, turned.responder);
    PeerTerms shifted = introduction_of(1);  // the same characters, cut elsewhere
    shifted.initiator = id_of("annb");
    shifted.responder = id_of("ob");
    std::set<ByteVector> seen;
    for (const Prologue& prologue :
         {peer_prologue(introduction_of(1)), peer_prologue(introduction_of(2)),
          peer_prologue(turned), peer_prologue(shifted), peer_prologue({}), server_prologue()}) {
        EXPECT_TRUE(seen.insert(to_vector(prologue.bytes())).second);
    }
}

TEST(Prologue, HoldsTheLongestIds) {
    PeerTerms terms = introduction_of(1);
    terms.initiator = terms.responder = id_of(std::string(wire::Id::kSizeMax, 'x'));
    const Prologue longest = prologue_of_attempt(peer_prologue(terms), SessionIndex{1});
    EXPECT_EQ(longest.size(), Prologue::capacity());
}

}  // namespace
}  // namespace pinhole::session
