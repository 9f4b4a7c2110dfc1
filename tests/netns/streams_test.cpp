// Files, pipes and forwarded ports between two homes, each behind a NAT of the kernel's own.
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/cli/forward_ends.hpp"
#include "tests/netns/json_line.hpp"
#include "tests/netns/peers_fixture.hpp"
#include "tests/support/whole_file.hpp"

namespace pinhole::netns {
namespace {

namespace fs = std::filesystem;

constexpr Milliseconds kPatience{30'000};
constexpr int kOk = static_cast<int>(Exit::kOk);

class Streams : public PeersTest {
  protected:
    void SetUp() override {
        PeersTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        ASSERT_NO_FATAL_FAILURE(build({"two-nats"}));
        start_rendezvous();
    }

    /// The verb of `words` at the namespace `id`, registered there.
    Process& start_verb(const std::string& id, std::vector<std::string> words) {
        words.insert(words.begin() + 1, {"--id", id, "--via", kServerAddress, "--json"});
        return start_peer({.where = id, .state = id, .words = std::move(words)});
    }
    /// One that others call.
    Process& start_callee(const std::string& id, std::vector<std::string> words) {
        Process& process = start_verb(id, std::move(words));
        EXPECT_TRUE(tells(process, {{"event", "registered"}}));
        return process;
    }
    static ::testing::AssertionResult tells(Process& process, const Json& wanted) {
        const auto line = process.wait_for_line(
            [&wanted](const Line& candidate) { return has_fields(candidate, wanted); }, kPatience);
        if (line) return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << process.name() << " does not tell " << wanted;
    }
    static std::optional<Line> says(Process& process, const std::string& text) {
        return process.wait_for_line(
            [&text](const Line& line) { return line.text.find(text) != std::string::npos; },
            kPatience);
    }

    /// A server or client of tests/cli/forward_ends.hpp.
    Process& start_end(const std::string& where, std::vector<std::string> words) {
        words.insert(words.begin(), {"python3", "-c", cli::kForwardEnds});
        return start(where, {where + "'s " + words[3], words, {}});
    }
    /// The port of a server that says it.
    std::string serve(const std::string& where, const std::string& kind) {
        const auto line = says(start_end(where, {kind}), "port ");
        return line ? line->text.substr(5) : "1";
    }
    /// What a client says at its end.
    std::string client(const std::string& where, std::vector<std::string> words) {
        Process& process = start_end(where, std::move(words));
        EXPECT_EQ(process.wait_for_exit(kPatience), kOk);
        return process.lines().empty() ? std::string{} : process.lines().back().text;
    }

    static std::string write_random(const fs::path& path, std::size_t size) {
        std::string text = pinhole::test::content_of(size, size);
        pinhole::test::write_file(path, text);
        return text;
    }
};

TEST_F(Streams, ADirectoryArrivesWhole) {
    const fs::path photos = folder("alice") / "photos";
    const std::string big = write_random(photos / "2026" / "big", 5'000'000);
    const std::string small = write_random(photos / "small", 1);
    fs::create_directory(photos / "empty");
    const fs::path target = folder("received");
    Process& bob = start_callee("bob", {"receive", "--once", target});
    Process& alice = start_verb("alice", {"send", photos, "bob"});
    EXPECT_EQ(alice.wait_for_exit(kPatience), kOk);
    EXPECT_EQ(bob.wait_for_exit(kPatience), kOk);
    EXPECT_TRUE(tells(alice, {{"event", "path"}, {"peer", "bob"}, {"path", "direct"}}));
    EXPECT_TRUE(pinhole::test::read_file(target / "photos" / "2026" / "big") == big);
    EXPECT_EQ(pinhole::test::read_file(target / "photos" / "small"), small);
    EXPECT_TRUE(fs::is_directory(target / "photos" / "empty"));
}

TEST_F(Streams, ATarPassesThroughAPipe) {
    const std::string content = write_random(folder("alice") / "photos" / "big", 5'000'000);
    const auto start_script = [this](const std::string& id, const std::string& script) -> Process& {
        const std::string home = folder(id);
        const std::string command = fmt::format("{} pipe --id {} --via {}",
                                                std::getenv("PINHOLE_PEER"), id, kServerAddress);
        return start(id, {id,
                          {"bash", "-c", "cd \"$HOME\"; PIPE=\"$0\"; " + script, command},
                          {"HOME=" + home, "XDG_STATE_HOME=" + home, "XDG_CONFIG_HOME=" + home}});
    };
    Process& bob =
        start_script("bob", "$PIPE --recv-only | tar -x; exit $((PIPESTATUS[0] + PIPESTATUS[1]))");
    ASSERT_TRUE(says(bob, "rendezvous ok"));
    Process& alice =
        start_script("alice", "tar -c photos | $PIPE --send-only bob; exit ${PIPESTATUS[1]}");
    EXPECT_EQ(alice.wait_for_exit(kPatience), kOk);
    EXPECT_EQ(bob.wait_for_exit(kPatience), kOk);
    EXPECT_TRUE(pinhole::test::read_file(folder("bob") / "photos" / "big") == content);
}

TEST_F(Streams, PortsAreForwardedBothWays) {
    const std::string echo = serve("bob", "echo-after-end");
    const std::string echo_udp = serve("bob", "echo-udp");
    const std::string echo_back = serve("alice", "echo-after-end");
    const std::string web = "8000";
    Process& server = start("bob", {"web",
                                    {"python3", "-u", "-m", "http.server", web, "--bind",
                                     "127.0.0.1", "--directory", folder("bob")},
                                    {}});
    ASSERT_TRUE(says(server, "Serving HTTP"));
    start_callee("bob", {"forward", "--allow", "127.0.0.1:*", "--allow-bind", "127.0.0.1:7004"});
    Process& alice = start_verb(
        "alice", {"forward", "--local", "7001:127.0.0.1:" + echo, "--local",
                  "7002:127.0.0.1:" + echo_udp + "/udp", "--local", "7003:127.0.0.1:" + web,
                  "--reverse", "7004:127.0.0.1:" + echo_back, "bob"});
    ASSERT_TRUE(tells(alice, {{"event", "forward_listening"}, {"way", "in"}}));
    EXPECT_TRUE(tells(alice, {{"event", "path"}, {"peer", "bob"}, {"path", "direct"}}));
    EXPECT_EQ(client("alice", {"many", "7001", "100", "100000"}), "100 of 100 unharmed");
    EXPECT_EQ(client("alice", {"udp", "7002"}), "all came back");
    EXPECT_EQ(client("bob", {"many", "7004", "10", "100000"}), "10 of 10 unharmed");
    Process& curl = start(
        "alice", {"curl", {"curl", "--silent", "--show-error", "http://127.0.0.1:7003/"}, {}});
    EXPECT_TRUE(says(curl, "Directory listing"));
    EXPECT_EQ(curl.wait_for_exit(kPatience), kOk);
}

}  // namespace
}  // namespace pinhole::netns
