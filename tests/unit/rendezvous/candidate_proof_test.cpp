#include "rendezvous/candidate_proof.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous {
namespace {

struct Row {
    const char* claimer;   ///< where the server sees the claimer
    const char* receiver;  ///< where it sees the other side
    const char* candidate;
    enum class Proof : std::uint8_t { kNone, kValid, kStale, kOfAnother } proof;
    bool passes;
};

constexpr auto kNone = Row::Proof::kNone;
constexpr auto kValid = Row::Proof::kValid;

// clang-format off
constexpr Row kTable[] = {
    // public: a cookie for exactly this endpoint, or an IP that is known to be the claimer's
    {"198.51.100.4:1", "203.0.113.9:1", "192.0.2.7:99",              kNone,  false},
    {"198.51.100.4:1", "203.0.113.9:1", "192.0.2.7:99",              kValid, true},
    {"198.51.100.4:1", "203.0.113.9:1", "192.0.2.7:99",              Row::Proof::kStale,     false},
    {"198.51.100.4:1", "203.0.113.9:1", "192.0.2.7:99",              Row::Proof::kOfAnother, false},
    {"198.51.100.4:1", "203.0.113.9:1", "198.51.100.4:99",           kNone,  true},
    {"198.51.100.4:1", "203.0.113.9:1", "198.51.100.5:99",           kNone,  false},
    {"198.51.100.4:1", "203.0.113.9:1", "[2001:db8::7]:99",          kNone,  false},
    {"198.51.100.4:1", "203.0.113.9:1", "[2001:db8::7]:99",          kValid, true},
    // the receiver's own address is not the claimer's
    {"198.51.100.4:1", "203.0.113.9:1", "203.0.113.9:99",            kNone,  false},
    // IPv4-mapped is IPv4, and gets no other treatment
    {"198.51.100.4:1", "203.0.113.9:1", "[::ffff:192.0.2.7]:99",     kNone,  false},
    {"198.51.100.4:1", "203.0.113.9:1", "[::ffff:198.51.100.4]:99",  kNone,  true},
    {"198.51.100.4:1", "203.0.113.9:1", "[::ffff:127.0.0.1]:99",     kValid, false},
    // private: behind one address, or in one network with the server
    {"198.51.100.4:1", "203.0.113.9:1", "192.168.1.5:99",            kNone,  false},
    {"198.51.100.4:1", "203.0.113.9:1", "192.168.1.5:99",            kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "192.168.1.5:99",           kNone,  true},
    {"198.51.100.4:1", "198.51.100.4:2", "[fd00::5]:99",             kNone,  true},
    {"[2001:db8::1]:1", "[2001:db8::2]:1", "192.168.1.5:99",         kNone,  true},
    {"[2001:db8::1]:1", "[2001:db8:0:1::2]:1", "192.168.1.5:99",     kNone,  false},
    {"192.168.1.5:1", "192.168.1.6:1", "192.168.1.5:99",             kNone,  true},
    {"192.168.1.5:1", "192.168.1.6:1", "192.168.1.7:99",             kNone,  false},
    {"192.168.1.5:1", "203.0.113.9:1", "192.168.1.5:99",             kNone,  false},
    {"127.0.0.1:1",   "127.0.0.1:2",   "192.168.1.5:99",             kNone,  true},
    // never, whatever is shown
    {"198.51.100.4:1", "198.51.100.4:2", "127.0.0.1:99",             kValid, false},
    {"127.0.0.1:1",   "127.0.0.1:2",   "127.0.0.1:99",               kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "[::1]:99",                 kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "0.0.0.0:99",               kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "[::]:99",                  kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "224.0.0.1:99",             kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "[ff02::1]:99",             kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "255.255.255.255:99",       kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "169.254.3.4:99",           kValid, false},
    {"198.51.100.4:1", "198.51.100.4:2", "[fe80::5]:99",             kValid, false},
};
// clang-format on

bool is_told(const Row& row) {
    pinhole::test::SeededRandom random{11};
    crypto::CookieJar jar(random);
    Instant now{};
    const Endpoint candidate = Endpoint::parse(row.candidate).value();
    Claims claims;
    claims.observe(Endpoint::parse(row.claimer).value());
    Claims receiver;
    receiver.observe(Endpoint::parse(row.receiver).value());

    std::optional<Cookie> proof;
    if (row.proof == Row::Proof::kOfAnother) {
        proof = jar.make(now, {.ip = candidate.ip, .port = 98});
    } else if (row.proof != Row::Proof::kNone) {
        proof = jar.make(now, candidate);
    }
    if (row.proof == Row::Proof::kStale) now += 2 * crypto::kCookieRotation;
    claims.add(now, jar, {{.endpoint = candidate, .proof = proof}});
    for (const wire::Candidate& told : claims.take_untold(receiver)) {
        if (told.endpoint == candidate) return true;
    }
    return false;
}

TEST(CandidateProof, FollowsTheTable) {
    for (const Row& row : kTable) {
        EXPECT_EQ(is_told(row), row.passes)
            << row.candidate << " of " << row.claimer << " for " << row.receiver;
    }
}

TEST(CandidateProof, TellsBothLoopbackPathsOfOneMachineAndNoOther) {
    Claims here;
    here.observe(Endpoint::parse("127.0.0.1:5").value());
    Claims there;
    there.observe(Endpoint::parse("127.0.0.1:6").value());
    Claims far;
    far.observe(Endpoint::parse("203.0.113.9:6").value());
    EXPECT_TRUE(here.take_untold(far).empty());
    EXPECT_EQ(here.take_untold(there).size(), 1U);
}

TEST(CandidateProof, AStreamShowsTheNetworkAndNoEndpoint) {
    pinhole::test::SeededRandom random{11};
    crypto::CookieJar jar(random);
    const Endpoint lan = Endpoint::parse("192.168.1.5:9").value();
    const Endpoint outside = Endpoint::parse("198.51.100.4:70").value();
    const Path path{SocketId{kStreamBit}, Endpoint::parse("198.51.100.4:40000").value()};
    Claims over_tcp;
    over_tcp.observe(path);
    over_tcp.add({}, jar, {{.endpoint = outside}, {.endpoint = lan}});
    Claims stranger;
    stranger.observe(Endpoint::parse("203.0.113.9:6").value());
    EXPECT_TRUE(over_tcp.take_untold(stranger).empty());
    // Behind the same address, however the server sees that one.
    Claims neighbour;
    neighbour.observe(Endpoint::parse("198.51.100.4:80").value());
    const auto told = over_tcp.take_untold(neighbour);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].endpoint, lan);
    over_tcp.forget_told();
    Claims colleague;
    colleague.observe(Path{SocketId{kStreamBit | 1U}, path.remote});
    EXPECT_EQ(over_tcp.take_untold(colleague).size(), 1U);
}

TEST(CandidateProof, ALaterProofReleasesWhatWasWithheld) {
    pinhole::test::SeededRandom random{11};
    crypto::CookieJar jar(random);
    const Instant now{};
    const auto shared = Endpoint::parse("198.51.100.4:70").value();
    Claims claims;  // seen over IPv6, but behind the same IPv4 address
    claims.observe(Endpoint::parse("[2001:db8:1::1]:1").value());
    claims.add(now, jar,
               {{.endpoint = Endpoint::parse("192.168.1.5:9").value()},
                {.endpoint = shared, .proof = jar.make(now, shared)}});
    Claims receiver;
    receiver.observe(Endpoint::parse("[2001:db8:2::1]:1").value());
    EXPECT_EQ(claims.take_untold(receiver).size(), 2U);
    EXPECT_TRUE(claims.take_untold(receiver).empty());
    const auto other_port = Endpoint::parse("198.51.100.4:71").value();
    receiver.add(now, jar, {{.endpoint = other_port, .proof = jar.make(now, other_port)}});
    const auto released = claims.take_untold(receiver);
    ASSERT_EQ(released.size(), 1U);
    EXPECT_EQ(released[0].endpoint.to_string(), "192.168.1.5:9");
}

TEST(CandidateProof, FillsTheListWithTheBestFirstAndKeepsTheRest) {
    pinhole::test::SeededRandom random{11};
    crypto::CookieJar jar(random);
    const Instant now{};
    Claims claims;
    claims.observe(Endpoint::parse("198.51.100.4:1").value());
    wire::CandidateList lan;
    wire::CandidateList mapped;
    for (int i = 0; i < 8; ++i) {
        lan.push_back({.endpoint = Endpoint::parse("10.0.0.1:" + std::to_string(100 + i)).value()});
        mapped.push_back(
            {.type = wire::CandidateType::kPredicted,
             .endpoint = Endpoint::parse("198.51.100.4:" + std::to_string(200 + i)).value()});
    }
    claims.add(now, jar, lan);
    claims.add(now, jar, mapped);
    Claims receiver;
    receiver.observe(Endpoint::parse("198.51.100.4:2").value());
    const auto first = claims.take_untold(receiver);
    ASSERT_EQ(first.size(), wire::kCandidatesMax);
    EXPECT_EQ(first[0].endpoint.to_string(), "198.51.100.4:1");
    for (const auto& candidate : first) EXPECT_EQ(candidate.endpoint.ip.scope(), Scope::kPublic);
    // The bound on claims cut one off; the rest is told next.
    EXPECT_EQ(claims.take_untold(receiver).size(), kClaimsMax - wire::kCandidatesMax);
}

}  // namespace
}  // namespace pinhole::rendezvous
