// `peer forward` with real clients and servers on both sides of it.
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/cli/forward_ends.hpp"
#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

bool is_installed(const std::string& tool) {
    return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

class ForwardVerb : public ProgramsTest {
  protected:
    void SetUp() override {
        ProgramsTest::SetUp();
        start_rendezvous();
    }

    /// A port for TCP or UDP that is ours for the rest of the test.
    std::uint16_t free_port() {
        reserved_.push_back(std::make_unique<pinhole::test::ReservedPorts>());
        return reserved_.back()->first();
    }
    Process& start_forward(const std::string& id, std::vector<std::string> words) {
        words.insert(words.begin(), {"forward", "--id", id, "--via", via(), "--json"});
        return start_peer(id, std::move(words));
    }
    /// One that serves others.
    Process& start_server(std::vector<std::string> words) {
        Process& bob = start_forward("bob", std::move(words));
        EXPECT_TRUE(says(bob, Stream::kErr, "rendezvous ok"));
        return bob;
    }
    /// One that forwards this to bob, once bob is there.
    Process& start_client(const std::vector<std::string>& words) {
        std::vector<std::string> all = words;
        all.emplace_back("bob");
        Process& alice = start_forward("alice", all);
        EXPECT_TRUE(tells(alice, {{"event", "connected"}, {"peer", "bob"}}));
        return alice;
    }
    Process& start_end(std::vector<std::string> words) {
        words.insert(words.begin(), {"python3", "-c", kForwardEnds});
        return start_program("ends", std::move(words));
    }
    /// A server of one kind; gives its port.
    std::uint16_t serve(const std::string& kind) {
        Process& server = start_end({kind});
        EXPECT_TRUE(says(server, Stream::kOut, "port "));
        for (const std::string& line : lines_of(server, Stream::kOut)) {
            if (line.starts_with("port "))
                return static_cast<std::uint16_t>(std::stoi(line.substr(5)));
        }
        return 1;
    }
    /// What a client says at its end.
    std::string client(std::vector<std::string> words) {
        Process& process = start_end(std::move(words));
        EXPECT_EQ(status_of(process), 0);
        const auto lines = lines_of(process, Stream::kOut);
        return lines.empty() ? std::string{} : lines.back();
    }
    static std::string at(std::uint16_t port) { return fmt::format("127.0.0.1:{}", port); }
    static std::string spec(std::uint16_t from, std::uint16_t to) {
        return fmt::format("{}:127.0.0.1:{}", from, to);
    }

  private:
    std::vector<std::unique_ptr<pinhole::test::ReservedPorts>> reserved_;
};

TEST_F(ForwardVerb, CarriesAHundredConnectionsAtOnceUnharmed) {
    const std::uint16_t echo = serve("echo-after-end");
    const std::uint16_t entrance = free_port();
    start_server({"--allow", at(echo)});
    start_client({"--local", spec(entrance, echo)});
    EXPECT_EQ(client({"many", std::to_string(entrance), "100", "300000"}), "100 of 100 unharmed");
}

TEST_F(ForwardVerb, CarriesHttp) {
    if (!is_installed("curl")) GTEST_SKIP() << "curl is not installed";
    const std::uint16_t web = free_port();
    const std::uint16_t entrance = free_port();
    Process& server =
        start_program("web", {"python3", "-u", "-m", "http.server", std::to_string(web), "--bind",
                              "127.0.0.1", "--directory", folder("bob").string()});
    ASSERT_TRUE(says(server, Stream::kOut, "Serving HTTP"));
    start_server({"--allow", at(web)});
    start_client({"--local", spec(entrance, web)});
    Process& curl = start_program("curl", {"curl", "--silent", "--show-error",
                                           fmt::format("http://localhost:{}/", entrance)});
    EXPECT_EQ(status_of(curl), 0);
    EXPECT_TRUE(says(curl, Stream::kOut, "Directory listing"));
}

TEST_F(ForwardVerb, CarriesInReverse) {
    const std::uint16_t echo = serve("echo-after-end");
    const std::uint16_t echo_udp = serve("echo-udp");
    const std::uint16_t entrance = free_port();
    const std::uint16_t entrance_udp = free_port();
    start_server({"--allow-bind", at(entrance), "--allow-bind", at(entrance_udp)});
    Process& alice = start_client(
        {"--reverse", spec(entrance, echo), "--reverse", spec(entrance_udp, echo_udp) + "/udp"});
    ASSERT_TRUE(
        tells(alice, {{"event", "forward_listening"}, {"transport", "tcp"}, {"way", "in"}}));
    ASSERT_TRUE(
        tells(alice, {{"event", "forward_listening"}, {"transport", "udp"}, {"way", "in"}}));
    EXPECT_EQ(client({"many", std::to_string(entrance), "10", "100000"}), "10 of 10 unharmed");
    EXPECT_EQ(client({"udp", std::to_string(entrance_udp)}), "all came back");
}

TEST_F(ForwardVerb, CarriesDatagramsOfSeveralClients) {
    const std::uint16_t echo = serve("echo-udp");
    const std::uint16_t entrance = free_port();
    start_server({"--allow", at(echo)});
    Process& alice = start_client({"--local", spec(entrance, echo) + "/udp"});
    EXPECT_EQ(client({"udp", std::to_string(entrance)}), "all came back");
    EXPECT_TRUE(tells(alice, {{"event", "forward_opened"}, {"transport", "udp"}, {"way", "out"}}));
}

TEST_F(ForwardVerb, WhatIsNotAllowedIsResetAndSaidOnBothSides) {
    const std::uint16_t echo = serve("echo-after-end");
    const std::uint16_t entrance = free_port();
    Process& bob = start_server({"--allow", "127.0.0.1:1", "--allow", "192.0.2.0/24:*"});
    Process& alice = start_client({"--local", spec(entrance, echo)});
    EXPECT_EQ(client({"expect-reset", std::to_string(entrance)}), "reset");
    EXPECT_EQ(client({"expect-reset", std::to_string(entrance)}), "reset");
    const std::string words = "connect to " + at(echo) + ": no --allow covers it";
    EXPECT_TRUE(says(alice, Stream::kErr, "bob does not " + words));
    EXPECT_TRUE(says(bob, Stream::kErr, "not connected to " + at(echo) + " for alice"));
    EXPECT_TRUE(tells(alice, {{"event", "forward_refused"}, {"target", at(echo)}}));
    int said = 0;
    for (const auto& line : lines_of(alice, Stream::kErr)) {
        said += line.find(words) != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(said, 1) << "the same is said once";
}

TEST_F(ForwardVerb, ARefusedConnectionIsResetWithTheReason) {
    const std::uint16_t nobody = free_port();
    const std::uint16_t entrance = free_port();
    start_server({"--allow", "localhost:*"});
    Process& alice = start_client({"--local", fmt::format("{}:localhost:{}", entrance, nobody)});
    EXPECT_EQ(client({"expect-reset", std::to_string(entrance)}), "reset");
    EXPECT_TRUE(says(alice, Stream::kErr, "Connection refused"));
}

TEST_F(ForwardVerb, ANameThatIsNoneIsSaid) {
    const std::uint16_t entrance = free_port();
    start_server({"--allow", "*:*"});
    Process& alice = start_client({"--local", fmt::format("{}:no-such-host.invalid:22", entrance)});
    EXPECT_EQ(client({"expect-reset", std::to_string(entrance)}), "reset");
    EXPECT_TRUE(says(alice, Stream::kErr, "cannot resolve no-such-host.invalid"));
}

TEST_F(ForwardVerb, AResetPassesThrough) {
    const std::uint16_t server = serve("reset-after-byte");
    const std::uint16_t entrance = free_port();
    start_server({"--allow", at(server)});
    start_client({"--local", spec(entrance, server)});
    EXPECT_EQ(client({"expect-reset", std::to_string(entrance)}), "reset");
}

TEST_F(ForwardVerb, AChatForwardsNothingAndThatIsSaid) {
    Process& bob = start_chat("bob", {});
    ASSERT_TRUE(says(bob, Stream::kErr, "rendezvous ok"));
    const std::uint16_t entrance = free_port();
    Process& alice = start_client({"--local", spec(entrance, 22)});
    EXPECT_EQ(client({"expect-reset", std::to_string(entrance)}), "reset");
    EXPECT_TRUE(says(alice, Stream::kErr, "nobody serves that here"));
}

TEST_F(ForwardVerb, AListenerThatIsNotAllowedThereIs8) {
    start_server({"--allow-bind", "127.0.0.1:1"});
    Process& alice = start_client({"--reverse", spec(free_port(), 22)});
    EXPECT_EQ(status_of(alice), 8);
    EXPECT_TRUE(says(alice, Stream::kErr, "no --allow-bind covers it"));
    EXPECT_TRUE(says(alice, Stream::kErr, "peer forward --allow-bind 127.0.0.1:"));
}

TEST_F(ForwardVerb, APortThatIsTakenIs1) {
    const std::uint16_t taken = serve("echo-after-end");
    Process& alice = start_forward("alice", {"--local", spec(taken, 22), "bob"});
    EXPECT_EQ(status_of(alice), 1);
    EXPECT_TRUE(says(alice, Stream::kErr, "Address already in use"));
}

TEST_F(ForwardVerb, ConnectionsWaitForThePeerAndItsReturn) {
    const std::uint16_t echo = serve("echo-after-end");
    const std::uint16_t entrance = free_port();
    const std::uint16_t other = free_port();
    const std::string by_name = fmt::format("localhost:{}", echo);
    Process& alice = start_forward("alice", {"--local", spec(entrance, echo), "--local",
                                             fmt::format("{}:{}", other, by_name), "bob"});
    ASSERT_TRUE(tells(alice, {{"event", "forward_listening"}, {"target", by_name}}));
    Process& early = start_end({"many", std::to_string(entrance), "3", "1000"});
    ASSERT_TRUE(says(alice, Stream::kErr, "bob is not there: connections"));
    Process& bob = start_server({"--allow", at(echo)});
    EXPECT_EQ(status_of(early), 0);
    EXPECT_TRUE(says(early, Stream::kOut, "3 of 3 unharmed"));

    Process& held = start_end({"expect-reset", std::to_string(other)});
    ASSERT_TRUE(tells(bob, {{"event", "forward_opened"}, {"target", by_name}}));
    bob.send_signal(SIGTERM);
    EXPECT_EQ(status_of(bob), 143);
    EXPECT_EQ(status_of(held), 0);
    EXPECT_TRUE(says(held, Stream::kOut, "reset"));
    start_server({"--allow", at(echo)});
    EXPECT_EQ(client({"many", std::to_string(entrance), "3", "1000"}), "3 of 3 unharmed");
}

TEST_F(ForwardVerb, ControlCEndsItAndItsConnectionsAtOnce) {
    const std::uint16_t echo = serve("echo-after-end");
    const std::uint16_t entrance = free_port();
    start_server({"--allow", at(echo)});
    Process& alice = start_client({"--local", spec(entrance, echo)});
    Process& held = start_end({"expect-reset", std::to_string(entrance)});
    ASSERT_TRUE(tells(alice, {{"event", "forward_opened"}}));
    alice.send_signal(SIGINT);
    EXPECT_EQ(status_of(alice), 130);
    EXPECT_EQ(status_of(held), 0);
}

TEST_F(ForwardVerb, CarriesIperf) {
    if (!is_installed("iperf3")) GTEST_SKIP() << "iperf3 is not installed";
    const std::uint16_t port = free_port();
    const std::uint16_t entrance = free_port();
    Process& server =
        start_program("iperf", {"iperf3", "--server", "--one-off", "--bind", "127.0.0.1", "--port",
                                std::to_string(port), "--forceflush"});
    ASSERT_TRUE(says(server, Stream::kOut, "Server listening"));
    start_server({"--allow", at(port)});
    start_client({"--local", spec(entrance, port), "--local", spec(entrance, port) + "/udp"});
    Process& iperf =
        start_program("iperf", {"iperf3", "--client", "127.0.0.1", "--port",
                                std::to_string(entrance), "--bytes", "20M", "--parallel", "4"});
    EXPECT_EQ(status_of(iperf), 0);
    EXPECT_TRUE(says(iperf, Stream::kOut, "iperf Done"));
}

TEST_F(ForwardVerb, CarriesSsh) {
    // Debian's package starts a service, so scripts/setup only unpacks it.
    const std::string unpacked = "/usr/local/lib/pinhole-test/usr/sbin/sshd";
    const std::string sshd = is_installed(unpacked) ? unpacked : "/usr/sbin/sshd";
    if (!is_installed(sshd) || !is_installed("ssh")) GTEST_SKIP() << "ssh or sshd is not installed";
    if (::geteuid() != 0) GTEST_SKIP() << "only root can start this sshd";
    const std::uint16_t port = free_port();
    const std::uint16_t entrance = free_port();
    Process& server = start_program("ssh", {"sh", "-c", kSshServer, sshd, std::to_string(port)});
    ASSERT_TRUE(says(server, Stream::kErr, "Server listening"));
    start_server({"--allow", at(port)});
    start_client({"--local", spec(entrance, port)});
    Process& ssh = start_program(
        "ssh", {"sh", "-c",
                "head -c 3000000 /dev/urandom >\"$HOME/in\" && ssh -F none -p $1 -i \"$HOME/user\" "
                "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
                "root@127.0.0.1 cat <\"$HOME/in\" | cmp - \"$HOME/in\" && echo all came back",
                "sh", std::to_string(entrance)});
    EXPECT_EQ(status_of(ssh), 0);
    EXPECT_TRUE(says(ssh, Stream::kOut, "all came back"));
}

TEST_F(ForwardVerb, WordsThatMakeNoSenseAre2) {
    const std::vector<std::vector<std::string>> lines{
        {},
        {"bob"},
        {"--local", "1:2:3"},
        {"--local", "0:127.0.0.1:22", "bob"},
        {"--local", "nowhere:1:127.0.0.1:22", "bob"},
        {"--allow", "127.0.0.1"},
        {"--allow", "127.0.0.1/33:22"},
        {"--allow", "127.0.0.1:22", "alice"},
    };
    for (const auto& words : lines) {
        Process& alice = start_forward("alice", words);
        EXPECT_EQ(status_of(alice), 2) << ::testing::PrintToString(words);
        EXPECT_THAT(lines_of(alice, Stream::kErr), SizeIs(2));
    }
}

}  // namespace
}  // namespace pinhole::cli
