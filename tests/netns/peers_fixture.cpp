#include "tests/netns/peers_fixture.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "tests/netns/json_line.hpp"

namespace pinhole::netns {
namespace {

constexpr Milliseconds kStartTime{10'000};
// Three tries with a fresh port each take longer than one that works at once.
constexpr Milliseconds kDirectTime{40'000};
constexpr Milliseconds kDeliveryTime{10'000};
constexpr Milliseconds kRunTime{45'000};
constexpr int kLinesEachWay = 10;

}  // namespace

std::optional<Json> ChatPeer::wait_for_event(const Json& wanted, Milliseconds timeout,
                                             std::size_t since) {
    const auto line = process_.wait_for_line(
        [&wanted](const Line& candidate) { return has_fields(candidate, wanted); }, timeout, since);
    if (!line) return std::nullopt;
    return Json::parse(line->text);
}

std::size_t ChatPeer::count_events(const Json& wanted) const {
    std::size_t count = 0;
    for (const Line& line : process_.lines()) count += has_fields(line, wanted) ? 1 : 0;
    return count;
}

std::optional<Json> ChatPeer::last_event(const Json& wanted) const {
    std::optional<Json> last;
    for (const Line& line : process_.lines()) {
        if (has_fields(line, wanted)) last = Json::parse(line.text);
    }
    return last;
}

void PeersTest::SetUp() {
    LabTest::SetUp();
    if (IsSkipped()) return;
    const char* peer = std::getenv("PINHOLE_PEER");
    const char* rendezvous = std::getenv("PINHOLE_RENDEZVOUS");
    ASSERT_TRUE(peer != nullptr && rendezvous != nullptr)
        << "PINHOLE_PEER and PINHOLE_RENDEZVOUS must name the programs; ctest sets them";
    peer_program_ = peer;
    rendezvous_program_ = rendezvous;
}

Process& PeersTest::start_rendezvous(const std::vector<std::string>& options) {
    std::vector<std::string> words{rendezvous_program_, "--state-dir", folder("rendezvous")};
    words.insert(words.end(), options.begin(), options.end());
    Process& process = start("srv", {"rendezvous", words, {"HOME=" + folder("srv").string()}});
    const auto ready = process.wait_for_line(
        [](const Line& line) { return line.text.find("listening on udp") != std::string::npos; },
        kStartTime);
    EXPECT_TRUE(ready) << "the rendezvous does not say that it listens";
    return process;
}

Process& PeersTest::start_peer(const PeerRun& run) {
    std::vector<std::string> words{peer_program_};
    words.insert(words.end(), run.words.begin(), run.words.end());
    const std::string home = folder(run.state);
    return start(run.where, {run.state,
                             words,
                             {"HOME=" + home, "XDG_STATE_HOME=" + home, "XDG_CONFIG_HOME=" + home,
                              "XDG_RUNTIME_DIR=" + home}});
}

ChatPeer PeersTest::start_chat(const std::string& id, const std::string& via,
                               const std::vector<std::string>& peers) {
    std::vector<std::string> words{"--id", id, "--via", via, "--json"};
    words.insert(words.end(), peers.begin(), peers.end());
    ChatPeer chat{id, start_peer({id, id, words})};
    EXPECT_TRUE(chat.wait_for_event({{"v", 1}, {"event", "registered"}}, kStartTime))
        << id << " does not register";
    return chat;
}

int PeersTest::run_peer(const PeerRun& run) {
    Process& process = start_peer(run);
    process.close_input();
    return process.wait_for_exit(kRunTime).value_or(-1);
}

void PeersTest::expect_direct(ChatPeer& one, ChatPeer& other) {
    const auto expect_side = [](ChatPeer& side, const std::string& towards) {
        const Json wanted{{"event", "path"}, {"peer", towards}, {"path", "direct"}};
        EXPECT_TRUE(side.wait_for_event(wanted, kDirectTime))
            << side.id() << " has no direct path to " << towards;
    };
    expect_side(one, other.id());
    expect_side(other, one.id());
}

void PeersTest::expect_talk(ChatPeer& one, ChatPeer& other, const std::string& topic) {
    const auto speak = [&topic](ChatPeer& from, ChatPeer& to) {
        const Json delivered{{"event", "delivered"}, {"peer", to.id()}};
        const std::size_t confirmed_before = from.count_events(delivered);
        for (int number = 1; number <= kLinesEachWay; ++number) {
            const std::string text = fmt::format("{} {} from {}", topic, number, from.id());
            const std::size_t sender_mark = from.process().mark();
            from.say(text);
            const Json wanted{{"event", "message"}, {"peer", from.id()}, {"text", text}};
            ASSERT_TRUE(to.wait_for_event(wanted, kDeliveryTime))
                << to.id() << " did not get: " << text;
            ASSERT_TRUE(from.wait_for_event(delivered, kDeliveryTime, sender_mark))
                << from.id() << " was not told of the delivery of: " << text;
            EXPECT_EQ(to.count_events(wanted), 1U) << "shown more than once: " << text;
        }
        EXPECT_EQ(from.count_events(delivered) - confirmed_before, kLinesEachWay);
    };
    ASSERT_NO_FATAL_FAILURE(speak(one, other));
    ASSERT_NO_FATAL_FAILURE(speak(other, one));
}

}  // namespace pinhole::netns
