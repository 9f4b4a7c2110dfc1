// Binding requests that want their answer from, or at, another place: what a client needs to find
// out how its NAT behaves, and what nobody may abuse.
#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

constexpr SocketId kFirst{0};
constexpr SocketId kSecondPort{1};
constexpr SocketId kOtherAddress{2};
constexpr SocketId kOtherBoth{3};

class Elsewhere : public testing::Test {
  protected:
    void open(SocketId socket, std::string_view local) {
        world.server.handle_io_event(world.now, SocketOpened{socket, endpoint(local)});
    }
    /// What `--bind 203.0.113.1:3478 --bind 203.0.113.2:3478` opens.
    void open_two_addresses() {
        open(kFirst, "203.0.113.1:3478");
        open(kSecondPort, "203.0.113.1:3479");
        open(kOtherAddress, "203.0.113.2:3478");
        open(kOtherBoth, "203.0.113.2:3479");
    }
    /// The one datagram that answers, or nothing.
    std::optional<Sent> ask(const wire::BindingRequest& request) {
        FixedBytes<wire::kBindingRequestSize> bytes;
        wire::encode(request, bytes);
        world.strays.clear();
        world.deliver(path, bytes);
        EXPECT_LE(world.strays.size(), 1U);
        return world.strays.empty() ? std::nullopt : std::optional{world.strays.front()};
    }
    wire::BindingResponse response_to(const wire::BindingRequest& request) {
        const auto sent = ask(request);
        EXPECT_TRUE(sent.has_value());
        return sent ? wire::parse_binding_response(sent->bytes).value() : wire::BindingResponse{};
    }
    [[nodiscard]] Cookie cookie() { return response_to({}).cookie; }
    /// The cookie of another endpoint, asked for from there.
    [[nodiscard]] Cookie cookie_of(const Endpoint& other) {
        const Path before = std::exchange(path, Path{kFirst, other});
        const Cookie out = cookie();
        path = before;
        return out;
    }
    [[nodiscard]] std::uint64_t drops(Drop why) { return world.server.metrics().drops[why]; }

    World world;
    Path path{.socket = kFirst, .remote = endpoint("192.0.2.1:5")};
};

TEST_F(Elsewhere, ItsOtherPortComesFirstThenItsOtherAddress) {
    open_two_addresses();
    const auto others = response_to({}).other_endpoints;
    ASSERT_EQ(others.size(), 3U);
    EXPECT_EQ(others[0], endpoint("203.0.113.1:3479"));
    EXPECT_EQ(others[1], endpoint("203.0.113.2:3478"));
    EXPECT_EQ(others[2], endpoint("203.0.113.2:3479"));
}

TEST_F(Elsewhere, TheAskersFamilyComesBeforeTheOther) {
    open(SocketId{7}, "[2001:db8::1]:3478");
    open(SocketId{8}, "[2001:db8::1]:3479");
    open_two_addresses();
    for (const Endpoint& other : response_to({}).other_endpoints) {
        EXPECT_TRUE(other.ip.is_v4()) << other.to_string();
    }
}

TEST_F(Elsewhere, EachFlagChoosesItsSocket) {
    open_two_addresses();
    const Cookie valid = cookie();
    for (const auto& [port, address, from] :
         {std::tuple{false, false, kFirst}, std::tuple{true, false, kSecondPort},
          std::tuple{false, true, kOtherAddress}, std::tuple{true, true, kOtherBoth}}) {
        const auto sent =
            ask({.from_other_port = port, .from_other_address = address, .cookie = valid});
        ASSERT_TRUE(sent.has_value());
        EXPECT_EQ(sent->path, (Path{from, path.remote}));
    }
}

TEST_F(Elsewhere, WithoutASecondAddressNobodyAnswersFromIt) {
    open(kFirst, "0.0.0.0:3478");
    open(kSecondPort, "0.0.0.0:3479");
    // A socket on one address is no other address than one on all of them.
    open(kOtherAddress, "203.0.113.2:3478");
    const Cookie valid = cookie();
    EXPECT_FALSE(ask({.from_other_address = true, .cookie = valid}));
    EXPECT_EQ(drops(Drop::kUnexpected), 1U);
}

TEST_F(Elsewhere, AnotherAddressNeedsAValidCookie) {
    open_two_addresses();
    Cookie wrong = cookie();
    wrong[3] ^= std::byte{1};
    EXPECT_FALSE(ask({.from_other_address = true, .cookie = wrong}));
    EXPECT_FALSE(ask({.from_other_address = true}));
    EXPECT_EQ(drops(Drop::kBadCookie), 2U);
}

TEST_F(Elsewhere, AnswersToAnotherEndpointOfTheSenderThatProvedItself) {
    open_two_addresses();
    const Endpoint other = endpoint("192.0.2.1:77");
    const Cookie proof = cookie_of(other);
    const auto sent = ask({.transaction = {std::byte{9}}, .cookie = proof, .answer_to = other});
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(sent->path, (Path{kFirst, other}));
    EXPECT_LE(sent->bytes.size(), wire::kBindingRequestSize);
    const auto response = wire::parse_binding_response(sent->bytes).value();
    // Its cookie is the one of whoever reads it, never the sender's.
    EXPECT_EQ(response.mapped, other);
    EXPECT_EQ(response.cookie, proof);
    EXPECT_NE(response.cookie, cookie());
}

TEST_F(Elsewhere, NeverSendsToAnEndpointOnTheSendersWord) {
    open_two_addresses();
    const Endpoint other = endpoint("192.0.2.1:77");
    EXPECT_FALSE(ask({.cookie = cookie(), .answer_to = other})) << "the sender's own cookie";
    EXPECT_FALSE(ask({.answer_to = other})) << "no cookie";
    EXPECT_EQ(drops(Drop::kBadCookie), 2U);
}

TEST_F(Elsewhere, NeverSendsToAnotherAddressThanTheSenders) {
    open_two_addresses();
    const Endpoint victim = endpoint("198.51.100.9:77");
    const Cookie stolen = cookie_of(victim);
    EXPECT_FALSE(ask({.cookie = stolen, .answer_to = victim}));
    EXPECT_EQ(drops(Drop::kUnexpected), 1U);
}

// ---- What the server does with the behavior that clients tell.

class Listening : public testing::Test {
  protected:
    using Dependence = wire::Dependence;

    static wire::NatBehavior nat(Dependence mapping, Dependence filtering) {
        return {.mapping = mapping, .filtering = filtering};
    }
    static wire::NatBehavior nat(unsigned mapping, unsigned filtering) {
        return nat(static_cast<Dependence>(mapping), static_cast<Dependence>(filtering));
    }
    void enter(const wire::NatBehavior& alices, const wire::NatBehavior& bobs) {
        alice.enter("alice");
        bob.enter("bob");
        tell(alice, "alice", alices);
        tell(bob, "bob", bobs);
    }
    static void tell(TestClient& client, std::string_view as, const wire::NatBehavior& behavior) {
        client.frames.clear();
        client.send(
            wire::Register{.request = ++client.request, .id = id(as), .behavior = behavior});
        const auto answers = client.take<wire::Registered>();
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].request, client.request);
    }
    /// Who was told to listen, as (asker, answerer).
    std::pair<bool, bool> introduce() {
        nonce_ = static_cast<std::uint8_t>(nonce_ % 255 + 1);  // never zero
        alice.ask_for("bob", nonce_);
        const auto to_alice = alice.take<wire::Introduction>();
        const auto to_bob = bob.take<wire::Introduction>();
        EXPECT_EQ(to_alice.size(), 1U);
        EXPECT_EQ(to_bob.size(), 1U);
        if (to_alice.empty() || to_bob.empty()) return {};
        return {to_alice[0].technique == wire::Technique::kListen,
                to_bob[0].technique == wire::Technique::kListen};
    }

    World world;
    TestClient alice{world, "198.51.100.4:4000"};
    TestClient bob{world, "203.0.113.9:5000"};

  private:
    std::uint8_t nonce_ = 0;
};

TEST_F(Listening, IsForAHardMappingThatLetsEverybodyInAgainstAStrictFilter) {
    // In this order on the wire: unknown, EIM, EIM or ADM, ADM, APDM; and so for filtering.
    const auto is_easy = [](unsigned dependence) { return dependence == 1 || dependence == 2; };
    const auto listens = [&](unsigned mapping, unsigned filtering, unsigned other_mapping,
                             unsigned other_filtering) {
        return mapping >= 3 && is_easy(filtering) && is_easy(other_mapping) &&
               (other_filtering == 4 || other_filtering == 0);
    };
    enter({}, {});
    for (unsigned all = 0; all < 5 * 5 * 5 * 5; ++all) {
        const unsigned maps = all % 5;
        const unsigned filters = all / 5 % 5;
        const unsigned other_maps = all / 25 % 5;
        const unsigned other_filters = all / 125;
        tell(alice, "alice", nat(maps, filters));
        tell(bob, "bob", nat(other_maps, other_filters));
        world.advance(2s);  // the budget of introductions
        bob.frames.clear();
        ASSERT_EQ(introduce(), (std::pair{listens(maps, filters, other_maps, other_filters),
                                          listens(other_maps, other_filters, maps, filters)}))
            << maps << filters << other_maps << other_filters;
    }
}

TEST_F(Listening, TheAskerMayBeTheOneWhoListens) {
    enter(nat(Dependence::kAddressAndPortDependent, Dependence::kEndpointIndependent),
          nat(Dependence::kEndpointIndependent, Dependence::kAddressAndPortDependent));
    EXPECT_EQ(introduce(), (std::pair{true, false}));
}

TEST_F(Listening, ALaterWordAboutTheBehaviorCounts) {
    const auto strict = nat(Dependence::kPortIndependent, Dependence::kAddressAndPortDependent);
    enter(strict, nat(Dependence::kAddressDependent, Dependence::kPortIndependent));
    EXPECT_EQ(introduce(), (std::pair{false, true}));
    tell(bob, "bob", strict);
    EXPECT_EQ(introduce(), (std::pair{false, false}));
    EXPECT_EQ(world.take_events<PeerOnline>().size(), 2U) << "it stayed registered all the time";
    EXPECT_EQ(world.server.registered(), 2U);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
