// The real programs, `rendezvous` and `peer`, as the tests in namespaces start and read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/netns/lab_fixture.hpp"

namespace pinhole::netns {

using Json = nlohmann::json;

/// The exit codes of `peer` (its manual lists them).
enum class Exit : std::uint8_t {
    kOk = 0,
    kUnreachable = 3,
    kUnknownPeer = 4,
    kOnlyRelay = 5,
    kIdentity = 6,
};

/// A peer that chats and reports its events with --json.
class ChatPeer {
  public:
    ChatPeer(std::string id, Process& process) : id_(std::move(id)), process_(process) {}

    /// The first event from `since` on that has all the fields of `wanted`.
    [[nodiscard]] std::optional<Json> wait_for_event(const Json& wanted, Milliseconds timeout,
                                                     std::size_t since = 0);
    [[nodiscard]] std::size_t count_events(const Json& wanted) const;
    /// The newest event that has all the fields of `wanted`, of those already read.
    [[nodiscard]] std::optional<Json> last_event(const Json& wanted) const;

    void say(const std::string& text) { process_.write_line(text); }
    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] Process& process() { return process_; }

  private:
    std::string id_;
    Process& process_;
};

class PeersTest : public LabTest {
  protected:
    /// Skips what LabTest skips; fails if the programs to test are not named by PINHOLE_PEER and
    /// PINHOLE_RENDEZVOUS.
    void SetUp() override;

    /// Starts a rendezvous at `srv` and waits until it listens; `options` follow its state folder.
    Process& start_rendezvous(const std::vector<std::string>& options = {});

    /// Starts a chat at the namespace and with the state folder of its id.
    ChatPeer start_chat(const std::string& id, const std::string& via,
                        const std::vector<std::string>& peers = {});

    struct PeerRun {
        std::string where;               ///< namespace
        std::string state;               ///< name of the state folder: who holds which keys
        std::vector<std::string> words;  ///< arguments
    };
    Process& start_peer(const PeerRun& run);

    /// Runs a peer to its end; 128 + signal or -1 tell that it did not end by itself.
    [[nodiscard]] int run_peer(const PeerRun& run);

    /// Waits until each side says that it reaches the other directly.
    void expect_direct(ChatPeer& one, ChatPeer& other);

    /// `count` lines each way; each is shown on the other side and confirmed to its sender.
    void expect_talk(ChatPeer& one, ChatPeer& other, const std::string& topic);

  private:
    std::string peer_program_;
    std::string rendezvous_program_;
};

}  // namespace pinhole::netns
