// What the server does for addresses that proved nothing: never more than they paid for.
#include "shared/wire/stun.hpp"
#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

/// Hands one datagram over and checks the rule: at most one datagram back, to the source, not
/// longer, and nothing later.
struct Account {
    World& world;

    void charge(const Path& from, Bytes bytes) {
        world.strays.clear();
        world.deliver(from, bytes);
        ASSERT_LE(world.strays.size(), 1U) << "seed " << kSeed;
        if (world.strays.empty()) return;
        ASSERT_EQ(world.strays[0].path.remote, from.remote) << "seed " << kSeed;
        ASSERT_LE(world.strays[0].bytes.size(), bytes.size()) << "seed " << kSeed;
    }
};

/// Every message that may be a first one, valid in itself.
std::vector<ByteVector> first_messages(World& world) {
    TestClient client(world, "198.51.100.4:4000");
    client.start_attempt();
    const auto initiation = client.attempt->initiation(Cookie{});
    std::vector<ByteVector> out{to_vector(initiation.bytes())};
    FixedBytes<wire::kBindingRequestSize> binding;
    for (const bool wants_key : {false, true}) {
        wire::encode(wire::BindingRequest{.wants_server_key = wants_key}, binding);
        out.push_back(to_vector(binding));
        wire::encode(wire::BindingRequest{.wants_server_key = wants_key, .from_other_port = true},
                     binding);
        out.push_back(to_vector(binding));
    }
    ByteVector transport(wire::kTransportSizeMin, std::byte{0x5a});
    wire::encode_header({.receiver = SessionIndex{77}, .counter = 0}, transport);
    out.push_back(transport);
    for (std::uint8_t kind = 4; kind < 16; ++kind) {
        for (const std::size_t size : {2U, 18U, 22U, 31U, 60U, 170U, 1232U}) {
            ByteVector bytes(size, std::byte{0});
            bytes[0] = std::byte{kind};
            bytes[1] = std::byte{wire::kVersion};
            out.push_back(bytes);
        }
    }
    return out;
}

void open_four_sockets(World& world) {
    const auto open = [&](std::uint32_t socket, const char* local) {
        world.server.handle_io_event(
            world.now, SocketOpened{.socket = SocketId{socket}, .local = endpoint(local)});
    };
    open(0, "0.0.0.0:3478");
    open(1, "[::]:3478");
    open(2, "0.0.0.0:3479");
    open(3, "[::]:3479");
}

TEST(Unvalidated, NeverGetsMoreThanItSent) {
    World world;
    open_four_sockets(world);
    Account account{world};
    const std::vector<ByteVector> seeds = first_messages(world);
    const auto source = [&] {
        return Path{.socket = kSocketV4,
                    .remote = {.ip = IpAddress::v4(0xC0000200U + world.random.u32() % 200),
                               .port = static_cast<std::uint16_t>(1 + world.random.below(65535))}};
    };
    for (const ByteVector& seed : seeds) account.charge(source(), seed);
    for (int i = 0; i < 100'000; ++i) {
        ByteVector bytes;
        if (i % 4 == 0) {
            bytes.resize(world.random.below(300));
            world.random.fill(bytes);
        } else {
            bytes = seeds[world.random.below(seeds.size())];
            for (std::uint64_t flips = world.random.below(4); flips > 0; --flips) {
                bytes[world.random.below(bytes.size())] =
                    static_cast<std::byte>(world.random.u32());
            }
            if (world.random.below(8) == 0) bytes.resize(world.random.below(bytes.size() + 1));
        }
        account.charge(source(), bytes);
        if (HasFatalFailure()) FAIL() << "datagram " << i;
        world.now += 100us;
    }
    // Only counters moved: nothing is remembered, nothing waits, nothing comes later.
    const Server::Sizes sizes = world.server.sizes();
    EXPECT_EQ(sizes.sessions + sizes.half_open + sizes.introductions + sizes.relay_pairs, 0U);
    EXPECT_EQ(world.server.next_timeout(), kNever);
    EXPECT_TRUE(world.events.empty());
    const Metrics& metrics = world.server.metrics();
    EXPECT_EQ(metrics.happened[Happening::kHandshakeAnswered], 0U);
    EXPECT_LE(metrics.sent_unvalidated.bytes, metrics.received.bytes);
    EXPECT_EQ(metrics.sent, metrics.sent_unvalidated);
    EXPECT_GT(metrics.happened[Happening::kRetrySent], 0U);
    EXPECT_GT(metrics.happened[Happening::kBindingAnswered], 0U);
    EXPECT_GT(metrics.happened[Happening::kGoneSent], 0U);
}

TEST(Unvalidated, RetryIsSmallerThanTheInitiation) {
    World world;
    TestClient client(world, "198.51.100.4:4000");
    client.start_attempt();
    const auto initiation = client.attempt->initiation(Cookie{});
    world.deliver({.socket = kSocketV4, .remote = endpoint("192.0.2.1:5")}, initiation.bytes());
    ASSERT_EQ(world.strays.size(), 1U);
    EXPECT_EQ(world.strays[0].bytes.size(), wire::kRetrySize);
    EXPECT_LT(world.strays[0].bytes.size(), initiation.size());
}

class Binding : public testing::Test {
  protected:
    Binding() { open_four_sockets(world); }

    wire::BindingResponse ask(const wire::BindingRequest& request) {
        FixedBytes<wire::kBindingRequestSize> bytes;
        wire::encode(request, bytes);
        world.strays.clear();
        world.deliver(path, bytes);
        if (world.strays.size() != 1) {
            ADD_FAILURE() << world.strays.size() << " answers";
            return {};
        }
        return wire::parse_binding_response(world.strays[0].bytes).value();
    }

    World world;
    Path path{.socket = kSocketV4, .remote = endpoint("192.0.2.1:5")};
};

TEST_F(Binding, NamesTheMappedEndpointTheOtherPortAndItsCookie) {
    const auto response = ask({.transaction = {std::byte{9}}});
    EXPECT_EQ(response.transaction[0], std::byte{9});
    EXPECT_EQ(response.mapped, path.remote);
    EXPECT_FALSE(response.server_key.has_value());
    // The server does not know its own public address: "the one that you asked", other port.
    ASSERT_EQ(response.other_endpoints.size(), 1U);
    EXPECT_EQ(response.other_endpoints[0], endpoint("0.0.0.0:3479"));
    // The cookie opens a handshake.
    TestClient client(world, "192.0.2.1:5");
    client.start_attempt();
    client.send_initiation(response.cookie);
    EXPECT_EQ(client.retries, 0U);
    EXPECT_TRUE(client.session.has_value());
}

TEST_F(Binding, NamesItsPublicAddressesWhenItKnowsThem) {
    world.server.handle_io_event(world.now,
                                 InterfacesChanged{{{.ip = *IpAddress::parse("203.0.113.1"),
                                                     .prefix_length = 24,
                                                     .interface_name = "eth0"},
                                                    {.ip = *IpAddress::parse("2001:db8::1"),
                                                     .prefix_length = 64,
                                                     .interface_name = "eth0"}}});
    const auto response = ask({});
    ASSERT_EQ(response.other_endpoints.size(), 3U);
    EXPECT_EQ(response.other_endpoints[0], endpoint("203.0.113.1:3479"));
    EXPECT_EQ(response.other_endpoints[1], endpoint("[2001:db8::1]:3478"));
    EXPECT_EQ(response.other_endpoints[2], endpoint("[2001:db8::1]:3479"));
}

TEST_F(Binding, TellsTheServerKeyWhenAsked) {
    EXPECT_EQ(ask({.wants_server_key = true}).server_key, world.server.public_key().raw);
}

TEST_F(Binding, AnswersFromTheOtherPortOnlyForAValidCookie) {
    const Cookie cookie = ask({}).cookie;
    EXPECT_EQ(world.strays[0].path.socket, kSocketV4);
    static_cast<void>(ask({.from_other_port = true, .cookie = cookie}));
    EXPECT_EQ(world.strays[0].path.socket, SocketId{2});

    FixedBytes<wire::kBindingRequestSize> bytes;
    Cookie wrong = cookie;
    wrong[0] ^= std::byte{1};
    wire::encode(wire::BindingRequest{.from_other_port = true, .cookie = wrong}, bytes);
    world.strays.clear();
    world.deliver(path, bytes);
    EXPECT_TRUE(world.strays.empty());
    EXPECT_EQ(world.server.metrics().drops[Drop::kBadCookie], 1U);
}

TEST(Stun, IsAnsweredOnlyWhenSwitchedOnAndWithinItsBudget) {
    // RFC 8489 5: Binding request without attributes.
    ByteVector request(20, std::byte{0});
    request[1] = std::byte{1};
    Writer{MutableBytes{request}.subspan(4)}.u32(0x2112A442U);
    const Path path{.socket = kSocketV4, .remote = endpoint("192.0.2.1:5")};

    World off;
    off.deliver(path, request);
    EXPECT_TRUE(off.strays.empty());
    World on(true);
    for (int i = 0; i < 2 * kStunBurst; ++i) on.deliver(path, request);
    ASSERT_EQ(on.strays.size(), static_cast<std::size_t>(kStunBurst));
    EXPECT_LE(on.strays[0].bytes.size() * 10, request.size() * 22);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
