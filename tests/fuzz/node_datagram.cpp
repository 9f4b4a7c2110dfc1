// Any datagram at a node with a live session, from a stranger, from its peer's endpoint or from the
// server's: the talk goes on, and nobody gets more than he sent and the budget for one address.
//
//     | source (1): modulo 3 | datagram |
#include "shared/traversal/budget.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/lab/town.hpp"

using namespace pinhole;

namespace {

constexpr std::uint64_t kSeed = 1;

class LiveTalk {
  public:
    LiveTalk() {
        const bool is_registered = town_.register_all();
        assert(is_registered);
        town_.connect(alice_, bob_);
        const bool is_direct = static_cast<bool>(
            town_.run_until([this] { return alice_.is_direct() && bob_.is_direct(); }, 10s));
        assert(is_direct);
        town_.run_for(15s);
    }

    void deliver(std::uint8_t source, Bytes datagram) {
        const std::array<Endpoint, 3> sources{
            stranger_, Endpoint{bob_.host().address(), *bob_.host().port_of(kSocketV4)},
            Endpoint{town_.vps().address(), lab::kServerPort}};
        if (source % sources.size() == 0) injected_ += datagram.size();
        const Path path{kSocketV4, sources.at(source % sources.size())};
        alice_.host().mutate(
            [&](Instant now) { alice_.node().handle_datagram(now, {path, datagram}); });
        assert(alice_.connections() == 1);
        assert(alice_.closed().empty());
        assert(alice_.troubles().empty());
        assert(alice_.received().empty());
        assert(alice_.host().sent_to(stranger_.ip).bytes <= injected_ + traversal::kBudgetOnTrust);
    }

  private:
    lab::Town town_{kSeed};
    lab::Peer& alice_ = town_.add_peer("alice", town_.home("a", "open"));
    lab::Peer& bob_ = town_.add_peer("bob", town_.home("b", "open"));
    Endpoint stranger_ = lab::endpoint("198.51.100.66:4000");
    std::uint64_t injected_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static LiveTalk talk;
    if (size == 0) return 0;
    talk.deliver(data[0], fuzz::input_bytes(data, size).subspan(1));
    return 0;
}
