// Port mappings from a real gateway: nftables and miniupnpd, which speaks all three protocols.
//
// alice is behind `nata`, whose public address (11.0.0.10) is one that miniupnpd takes for public;
// its own mapping is symmetric, so that nobody gets in who was not invited.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/netns/peers_fixture.hpp"

namespace pinhole::netns {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kGatewayWan = "11.0.0.10";
constexpr Milliseconds kPatience{10'000};
/// Of mappings in tests; renewed at half of it.
constexpr int kLifetimeS = 4;
/// Less than what is left of such a lifetime when it was just renewed.
constexpr Milliseconds kRemovalTime{1'500};

const std::vector<std::string> kPublicGateway{"two-nats", "--ipv4", "symmetric-a", "--mapper",
                                              "public"};
const std::vector<std::string> kReservedGateway{"two-nats", "--ipv4", "symmetric-a", "--mapper",
                                                "reserved"};

/// Where scripts/setup unpacks it, and where a package would.
std::string find_daemon() {
    const char* named = std::getenv("PINHOLE_MINIUPNPD");
    if (named != nullptr) return named;
    for (const char* path :
         {"/usr/local/lib/pinhole-test/usr/sbin/miniupnpd", "/usr/sbin/miniupnpd"}) {
        if (std::filesystem::exists(path)) return path;
    }
    return {};
}

struct Switches {
    bool nat_pmp_and_pcp = true;
    bool upnp = true;
};

class Gateway : public PeersTest {
  protected:
    void SetUp() override {
        PeersTest::SetUp();
        if (IsSkipped()) return;
        daemon_ = find_daemon();
        if (daemon_.empty()) GTEST_SKIP() << "miniupnpd is missing; run scripts/setup";
        // It is built beside this program.
        map_port_ = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "map_port";
    }

    Process& start_daemon(const Switches& switches = {}) {
        const std::filesystem::path conf = folder("gateway") / "miniupnpd.conf";
        const auto word = [](bool on) { return on ? "yes" : "no"; };
        std::ofstream{conf} << fmt::format(
            "ext_ifname=wan\nlistening_ip=lan\nhttp_port=5000\n"
            "enable_natpmp={}\nenable_upnp={}\nsecure_mode=yes\n"
            "min_lifetime=2\nmax_lifetime=86400\n"
            "upnp_table_name=miniupnpd\nupnp_nat_table_name=miniupnpd\n"
            "upnp_forward_chain=filter_mapped\nupnp_nat_chain=nat_mapped\n"
            "upnp_nat_postrouting_chain=nat_peers\n"
            "uuid=6bd5eabd-b7c8-4f7b-ae6c-a30ccdeb5988\nserial=1\nmodel_number=1\n"
            "allow 1024-65535 192.168.11.0/24 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n",
            word(switches.nat_pmp_and_pcp), word(switches.upnp));
        Process& daemon =
            start("nata",
                  {"miniupnpd", {daemon_, "-d", "-f", conf, "-P", folder("gateway") / "pid"}, {}});
        const char* ready =
            switches.nat_pmp_and_pcp ? "Listening for NAT-PMP/PCP" : "HTTP listening";
        EXPECT_TRUE(daemon.wait_for_line(
            [ready](const Line& line) { return line.text.find(ready) != std::string::npos; },
            kPatience))
            << "miniupnpd does not start";
        return daemon;
    }

    Process& start_mapping(const std::vector<std::string>& words) {
        std::vector<std::string> argv{map_port_};
        argv.insert(argv.end(), words.begin(), words.end());
        return start("alice", {"map_port", argv, {}});
    }

    static std::optional<std::string> wait_for(Process& process, const std::string& start,
                                               std::size_t since = 0,
                                               Milliseconds patience = kPatience) {
        const auto line = process.wait_for_line(
            [&](const Line& read) { return read.text.starts_with(start); }, patience, since);
        return line ? std::optional{line->text} : std::nullopt;
    }

    /// The place that a line "mapped PROTOCOL ADDRESS:PORT for ..." names.
    static Place place_in(const std::string& line) {
        const std::size_t from = line.find(' ', line.find(' ') + 1) + 1;
        const std::size_t colon = line.find(':', from);
        return {line.substr(from, colon - from),
                static_cast<std::uint16_t>(std::stoul(line.substr(colon + 1)))};
    }

    /// What anybody outside writes to `place` arrives at `process`.
    void expect_open(Process& process, const Place& place, const std::string& text) {
        const auto stranger = socket_in("srv", {kServerAddress, 7});
        const std::size_t mark = process.mark();
        stranger->send(text, place);
        EXPECT_TRUE(wait_for(process, "heard " + text, mark)) << place;
    }

    /// What the gateway forwards now.
    static std::string forwards() {
        const Finished listed = lab({"exec", "nata", "nft", "list", "table", "inet", "miniupnpd"});
        EXPECT_EQ(listed.status, 0) << listed.text;
        return listed.text;
    }

    /// Our end waits only so long for the gateway, which on a busy machine gets round to a removal
    /// some moments later.
    static bool soon_forwards_nothing() {
        const auto deadline = std::chrono::steady_clock::now() + kRemovalTime;
        while (forwards().find("dnat") != std::string::npos) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(Milliseconds{20});
        }
        return true;
    }

    /// Maps by one protocol, uses it beyond its lifetime, ends, and looks whether it is gone.
    void map_use_renew_remove(const std::string& word, const std::string& name,
                              const Switches& switches = {}) {
        ASSERT_NO_FATAL_FAILURE(build(kPublicGateway));
        start_daemon(switches);
        Process& mapping = start_mapping({word, fmt::format("lifetime={}", kLifetimeS)});
        const auto mapped = wait_for(mapping, "mapped " + name);
        ASSERT_TRUE(mapped);
        EXPECT_THAT(*mapped, HasSubstr(fmt::format("for {} s", kLifetimeS)));
        const Place place = place_in(*mapped);
        EXPECT_EQ(place.address, kGatewayWan);
        expect_open(mapping, place, "at once");
        EXPECT_THAT(forwards(), HasSubstr("dnat"));
        // By now it would have ended twice; nothing but a loss would be said.
        EXPECT_FALSE(wait_for(mapping, "unmapped", 0, Milliseconds{2 * kLifetimeS * 1000 + 1000}));
        expect_open(mapping, place, "after the lifetime");
        mapping.close_input();
        EXPECT_TRUE(wait_for(mapping, "removed"));
        EXPECT_EQ(mapping.wait_for_exit(kPatience), 0);
        EXPECT_TRUE(soon_forwards_nothing()) << forwards();
    }

    std::string daemon_;
    std::string map_port_;
};

TEST_F(Gateway, PcpMapsRenewsAndRemoves) {
    map_use_renew_remove("pcp", "PCP");
}

TEST_F(Gateway, NatPmpMapsRenewsAndRemoves) {
    map_use_renew_remove("nat-pmp", "NAT-PMP");
}

TEST_F(Gateway, UpnpMapsRenewsAndRemoves) {
    map_use_renew_remove("upnp", "UPnP", {.nat_pmp_and_pcp = false});
}

TEST_F(Gateway, PcpComesFirstWhereAllAreSpoken) {
    ASSERT_NO_FATAL_FAILURE(build(kPublicGateway));
    start_daemon();
    Process& mapping = start_mapping({"pcp", "nat-pmp", "upnp", "lifetime=7200"});
    const auto mapped = wait_for(mapping, "mapped");
    ASSERT_TRUE(mapped);
    EXPECT_THAT(*mapped, HasSubstr("mapped PCP"));
}

TEST_F(Gateway, UpnpIsTheLastResort) {
    ASSERT_NO_FATAL_FAILURE(build(kPublicGateway));
    start_daemon({.nat_pmp_and_pcp = false});
    Process& mapping = start_mapping({"pcp", "nat-pmp", "upnp", "lifetime=7200"});
    const auto mapped = wait_for(mapping, "mapped");
    ASSERT_TRUE(mapped);
    EXPECT_THAT(*mapped, HasSubstr("mapped UPnP"));
}

TEST_F(Gateway, BehindAnotherNatSaysSoByEveryProtocol) {
    ASSERT_NO_FATAL_FAILURE(build(kReservedGateway));
    start_daemon();
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"pcp"}, {"nat-pmp"}, {"upnp"}, {"pcp", "nat-pmp", "upnp"}}) {
        Process& mapping = start_mapping(words);
        const auto unmapped = wait_for(mapping, "unmapped");
        ASSERT_TRUE(unmapped) << words.front();
        EXPECT_THAT(*unmapped, HasSubstr("behind another NAT")) << words.front();
        mapping.close_input();
        EXPECT_EQ(mapping.wait_for_exit(kPatience), 0);
    }
}

TEST_F(Gateway, WithoutADaemonThereIsNoneAndTheEndIsQuick) {
    ASSERT_NO_FATAL_FAILURE(build(kPublicGateway));
    Process& mapping = start_mapping({"pcp", "nat-pmp", "upnp", "lifetime=7200"});
    const auto unmapped = wait_for(mapping, "unmapped");
    ASSERT_TRUE(unmapped);
    EXPECT_THAT(*unmapped, HasSubstr("no gateway"));
    // In the middle of a search that blocks, too.
    Process& searching = start_mapping({"upnp", "lifetime=7200"});
    EXPECT_FALSE(wait_for(searching, "unmapped", 0, Milliseconds{300}));
    for (Process* process : {&mapping, &searching}) {
        process->close_input();
        EXPECT_TRUE(wait_for(*process, "removed", 0, Milliseconds{5'000}));
        EXPECT_EQ(process->wait_for_exit(kPatience), 0);
    }
}

TEST_F(Gateway, ARestartedDaemonIsAskedAgain) {
    ASSERT_NO_FATAL_FAILURE(build(kPublicGateway));
    Process& daemon = start_daemon();
    Process& mapping = start_mapping({"pcp", fmt::format("lifetime={}", kLifetimeS)});
    const auto mapped = wait_for(mapping, "mapped PCP");
    ASSERT_TRUE(mapped);
    ASSERT_NO_FATAL_FAILURE(kill_at_once(daemon));
    for (const char* chain : {"nat_mapped", "filter_mapped"}) {
        ASSERT_EQ(lab({"exec", "nata", "nft", "flush", "chain", "inet", "miniupnpd", chain}).status,
                  0);
    }
    EXPECT_THAT(forwards(), Not(HasSubstr("dnat")));
    start_daemon();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (forwards().find("dnat") == std::string::npos &&
           std::chrono::steady_clock::now() < deadline) {
        static_cast<void>(mapping.wait_for_exit(Milliseconds{200}));
    }
    expect_open(mapping, place_in(*mapped), "after the restart");
}

TEST_F(Gateway, AChangedAddressIsHeardOfAtOnce) {
    ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
    Process& process = start_mapping({});
    ASSERT_TRUE(wait_for(process, "addresses 192.168.11.2"));
    const auto change = [&](const char* verb, const std::string& now_listed) {
        const std::size_t mark = process.mark();
        const Finished done =
            lab({"exec", "alice", "ip", "address", verb, "192.168.11.77/24", "dev", "eth0"});
        ASSERT_EQ(done.status, 0) << done.text;
        EXPECT_TRUE(wait_for(process, now_listed, mark)) << verb;
    };
    change("add", "addresses 192.168.11.2 192.168.11.77");
    change("del", "addresses 192.168.11.2");
}

TEST_F(Gateway, JoinsPeersThatCouldNotMeetOtherwise) {
    ASSERT_NO_FATAL_FAILURE(build(kPublicGateway));
    start_daemon();
    start_rendezvous();
    ChatPeer alice = start_chat("alice", kServerAddress);
    // The mapping is there before bob calls, so that the first checks use it.
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (forwards().find("dnat") == std::string::npos &&
           std::chrono::steady_clock::now() < deadline) {
        static_cast<void>(alice.process().wait_for_exit(Milliseconds{100}));
    }
    ChatPeer bob = start_chat("bob", kServerAddress, {"alice"});
    expect_direct(alice, bob);
    ASSERT_NO_FATAL_FAILURE(expect_talk(alice, bob, "through the gateway"));
    const auto path = bob.last_event({{"event", "path"}, {"peer", "alice"}});
    ASSERT_TRUE(path);
    const std::string port = path->value("remote", "").substr(std::string{kGatewayWan}.size() + 1);
    EXPECT_THAT(path->value("remote", ""), HasSubstr(kGatewayWan));
    EXPECT_THAT(forwards(), HasSubstr("dport " + port)) << "direct, but not by the mapped port";
    for (ChatPeer* side : {&bob, &alice}) {
        side->process().close_input();
        EXPECT_EQ(side->process().wait_for_exit(Milliseconds{15'000}), 0);
    }
    EXPECT_TRUE(soon_forwards_nothing()) << forwards();
}

}  // namespace
}  // namespace pinhole::netns
