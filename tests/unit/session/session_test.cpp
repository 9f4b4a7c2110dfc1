// A session in one epoch; rekeys have files of their own.
#include "shared/session/session.hpp"

#include "tests/unit/session/session_pair.hpp"

namespace pinhole::session {
namespace {

using test::kStart;
using test::PeerPair;

TEST(Session, CarriesFramesBothWays) {
    PeerPair pair{1};
    expect_text(pair.large, kStart, pair.small.seal("ping"), "ping");
    expect_text(pair.small, kStart, pair.large.seal("pong"), "pong");
    EXPECT_EQ(pair.small.session().remote(), pair.large.key());
}

TEST(Session, IgnoresAnIndexThatIsNotItsOwn) {
    PeerPair pair{2};
    ByteVector datagram = pair.small.seal("ping");
    datagram[2] ^= std::byte{1};
    expect_dropped(pair.large, kStart, datagram, Drop::kUnknownSession);
    // Its own datagrams, sent back to it, name the other side's index.
    expect_dropped(pair.small, kStart, pair.small.seal("ping"), Drop::kUnknownSession);
}

TEST(Session, IgnoresATamperedHeader) {
    PeerPair pair{3};
    const ByteVector genuine = pair.small.seal("ping");
    for (std::size_t i = 0; i < wire::kTransportHeaderSize; ++i) {
        const bool is_index = i >= 2 && i < 6;
        ByteVector tampered = genuine;
        tampered[i] ^= std::byte{1};
        expect_dropped(pair.large, kStart, tampered,
                       is_index ? Drop::kUnknownSession : Drop::kBadTag);
    }
    expect_text(pair.large, kStart, genuine, "ping");
}

TEST(Session, IgnoresAReplay) {
    PeerPair pair{4};
    const ByteVector datagram = pair.small.seal("ping");
    expect_text(pair.large, kStart, datagram, "ping");
    expect_dropped(pair.large, kStart, datagram, Drop::kReplay);
}

TEST(Session, IgnoresAReplayAfterRekey) {
    PeerPair pair{5};
    const ByteVector datagram = pair.small.seal("ping");
    expect_text(pair.large, kStart, datagram, "ping");
    pair.rekey(kStart);
    ASSERT_EQ(pair.large.session().epoch_number(), 1U);
    expect_dropped(pair.large, kStart, datagram, Drop::kReplay);
}

TEST(Session, KeepsTheSuiteAcrossARekey) {
    if (!crypto::is_aes256gcm_available()) GTEST_SKIP() << "this CPU has no AES instructions";
    PeerPair pair{6, {}, test::kAes};
    ASSERT_EQ(pair.small.session().suite(), crypto::CipherSuite::kAes256Gcm);
    pair.rekey(kStart);
    ASSERT_EQ(pair.small.session().epoch_number(), 1U);
    EXPECT_EQ(pair.small.session().suite(), crypto::CipherSuite::kAes256Gcm);
    EXPECT_EQ(pair.large.session().suite(), crypto::CipherSuite::kAes256Gcm);
    expect_text(pair.large, kStart, pair.small.seal("ping"), "ping");
}

TEST(Session, WaitsForNothingButItsRekey) {
    PeerPair pair{7};
    EXPECT_EQ(pair.small.session().next_timeout(), kStart + 1h);
    pair.small.session().on_data_sent();
    EXPECT_EQ(pair.small.session().next_timeout(), kStart + 120s);
    EXPECT_TRUE(pair.small.poll(kStart + 120s - 1us).empty());
}

}  // namespace
}  // namespace pinhole::session
