#include "peer/trust_store.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.hpp"

namespace pinhole::peer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Id kAlice = *Id::parse("alice");
const WallTime kDay{std::chrono::sys_days{std::chrono::year{2026} / 5 / 17}};
const WallTime kLaterDay{std::chrono::sys_days{std::chrono::year{2027} / 1 / 2}};

crypto::PublicKey key_of(unsigned octet) {
    crypto::PublicKey key;
    key.raw.fill(static_cast<std::byte>(octet));
    return key;
}

class TrustStoreTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::string content() const {
        std::ifstream in{file_};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

    void write(const std::string& text) const {
        std::filesystem::create_directories(file_.parent_path());
        std::ofstream{file_} << text;
    }

    [[nodiscard]] std::string refusal() const {
        try {
            const TrustStore store{file_};
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "no error";
    }

    const pinhole::test::TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_.path() / "state" / "known_peers";
    const PeerName alice_{.id = kAlice, .server = key_of(2)};
};

TEST_F(TrustStoreTest, RemembersAcrossStarts) {
    {
        TrustStore store{file_};
        EXPECT_EQ(store.find_peer(alice_), nullptr);
        EXPECT_EQ(store.remember_peer(alice_, key_of(1), kDay).key, key_of(1));
        store.remember_server("vps.example:3478", key_of(2), kDay);
    }
    const TrustStore again{file_};
    ASSERT_NE(again.find_peer(alice_), nullptr);
    EXPECT_EQ(*again.find_peer(alice_), (KnownKey{.key = key_of(1), .first_seen = "2026-05-17"}));
    ASSERT_NE(again.find_server("vps.example:3478"), nullptr);
    EXPECT_EQ(again.find_server("vps.example:3478")->key, key_of(2));
    EXPECT_EQ(again.find_server("other.example:3478"), nullptr);
}

TEST_F(TrustStoreTest, TheSameIdAtAnotherServerIsSomebodyElse) {
    TrustStore store{file_};
    store.remember_peer(alice_, key_of(1), kDay);
    const PeerName other{.id = kAlice, .server = key_of(3)};
    EXPECT_EQ(store.find_peer(other), nullptr);
    store.remember_peer(other, key_of(4), kDay);
    EXPECT_EQ(store.find_peer(alice_)->key, key_of(1));
    EXPECT_THAT(store.known().peers_called("alice"), SizeIs(2));
    EXPECT_THAT(store.known().peers_called(other.to_string()), ElementsAre(other));
    EXPECT_THAT(store.known().peers_called("bob"), IsEmpty());
}

TEST_F(TrustStoreTest, NeverReplacesAKeyByItself) {
    TrustStore store{file_};
    store.remember_peer(alice_, key_of(1), kDay);
    const KnownKey& kept = store.remember_peer(alice_, key_of(9), kLaterDay);
    EXPECT_EQ(kept, (KnownKey{.key = key_of(1), .first_seen = "2026-05-17"}));
    store.remember_server("h:1", key_of(2), kDay);
    EXPECT_EQ(store.remember_server("h:1", key_of(9), kLaterDay).key, key_of(2));
}

TEST_F(TrustStoreTest, KeepsWhatAnotherProcessLearntMeanwhile) {
    TrustStore first{file_};
    TrustStore second{file_};
    first.remember_peer(alice_, key_of(1), kDay);
    const PeerName bob{.id = *Id::parse("bob"), .server = key_of(2)};
    second.remember_peer(bob, key_of(5), kDay);
    const TrustStore again{file_};
    EXPECT_NE(again.find_peer(alice_), nullptr);
    EXPECT_NE(again.find_peer(bob), nullptr);
    EXPECT_EQ(second.remember_peer(alice_, key_of(9), kDay).key, key_of(1));
}

TEST_F(TrustStoreTest, FileIsPrivateAndReadable) {
    TrustStore store{file_};
    store.remember_peer(alice_, key_of(1), kDay);
    store.remember_server("h:1", key_of(2), kDay);
    EXPECT_EQ(pinhole::test::mode_of(file_), std::filesystem::perms{0600});
    EXPECT_EQ(pinhole::test::mode_of(file_.parent_path()), std::filesystem::perms{0700});
    EXPECT_EQ(content(), "pinhole known peers 1\npeer alice@" + key_of(2).to_string("rv") + " " +
                             key_of(1).to_string() + " 2026-05-17\nserver h:1 " +
                             key_of(2).to_string("rv") + " 2026-05-17\n");
}

TEST_F(TrustStoreTest, LeavesNoHalfFilesBehind) {
    TrustStore store{file_};
    store.remember_peer(alice_, key_of(1), kDay);
    EXPECT_FALSE(std::filesystem::exists(file_.string() + ".new"));
}

TEST_F(TrustStoreTest, RefusesWhatItDoesNotUnderstandWithTheLine) {
    write("something else\n");
    EXPECT_THAT(refusal(), HasSubstr("known_peers:1:"));
    const std::string peer =
        "peer alice@" + key_of(2).to_string("rv") + " " + key_of(1).to_string() + " 2026-05-17\n";
    for (const std::string& line :
         {std::string{"friend x y z\n"}, std::string{"peer alice pk:x 2026-05-17\n"},
          peer.substr(0, peer.size() - 2) + "\n", "extra " + peer, peer + peer}) {
        write("pinhole known peers 1\n# a note\n\n" + line);
        EXPECT_THAT(refusal(), HasSubstr(line == peer + peer ? "known_peers:5:" : "known_peers:4:"))
            << line;
    }
}

TEST_F(TrustStoreTest, RefusesAFileThatOthersMayWrite) {
    write("pinhole known peers 1\n");
    ASSERT_EQ(::chmod(file_.c_str(), 0666), 0);
    EXPECT_THAT(refusal(), HasSubstr("chmod 600 "));
}

TEST(TrustStore, NamesAreReadBack) {
    const PeerName name{.id = kAlice, .server = key_of(2)};
    EXPECT_EQ(PeerName::parse(name.to_string()), name);
    EXPECT_EQ(PeerName::parse("alice"), std::nullopt);
    EXPECT_EQ(PeerName::parse("alice@" + key_of(2).to_string()), std::nullopt) << "a peer's key";
}

}  // namespace
}  // namespace pinhole::peer
