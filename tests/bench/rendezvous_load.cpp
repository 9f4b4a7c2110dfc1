// How much one core of a rendezvous carries, beside a bare UDP echo on the same core.
//
//   rendezvous_load [PEERS] [SECONDS] [DIRECTORY]
//
// The server is the real one on its real driver and socket, in a process that stays on core 0; the
// load comes from a process on core 1. What it handled is counted per second of the server's CPU
// time, so what else the machine does matters little. Ids are confirmed in memory; with a
// directory, for files that last as long as the run, new ids are also registered by the program as
// it is shipped, which stores them on the disk first.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>

#include <asio/posix/stream_descriptor.hpp>
#include <fcntl.h>

#include "rendezvous/service.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/net/key_file.hpp"
#include "shared/net/udp_socket.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/load_peers.hpp"
#include "tests/bench/processes.hpp"
#include "tests/bench/serving.hpp"

namespace {

using namespace pinhole;
using namespace pinhole::bench;

constexpr std::uint16_t kEchoPort = 34791;
constexpr const char* kProgram = "rendezvous_load";
/// A sealed keepalive's size: the echo moves the same number of bytes.
constexpr std::size_t kEchoSize = 33;
/// Unanswered requests at a time: far below what the server's socket holds.
constexpr std::uint64_t kWindow = 2048;
constexpr std::size_t kEnteringAtATime = 128;
constexpr double kMiB = 1024 * 1024;
/// Introductions that are timed, and how often one is asked for, in seconds.
constexpr std::size_t kIntroductions = 1000;
constexpr double kIntroductionInterval = 0.003;
/// One keepalive of three asks for an answer, as a real peer's do.
constexpr std::uint64_t kKeepalivesPerAck = 3;
/// So many registrations are measured before the table is large, and again when it is.
constexpr std::size_t kMeasured = 20'000;
constexpr std::size_t kComeBack = 5'000;
/// New ids on the disk, all waiting for it at once.
constexpr std::size_t kDurable = 5'000;
constexpr std::size_t kDurableAtATime = 256;

/// The least that a server could do: batches in, the same batches out.
void echo() {
    stay_on_core(0);
    net::UdpSocket socket = net::UdpSocket::open({*IpAddress::parse("127.0.0.1"), kEchoPort});
    net::ReceiveArena arena;
    net::SendBatch batch;
    asio::io_context io;
    asio::posix::stream_descriptor readable{io, ::dup(socket.fd())};
    for (;;) {
        const auto received = socket.receive(arena);
        if (received.empty()) {
            readable.wait(asio::posix::stream_descriptor::wait_read);
            continue;
        }
        for (const net::Received& in : received) {
            socket.enqueue(batch, {.path = {kSocketV4, in.remote}, .bytes = in.bytes});
        }
        socket.flush(batch);
    }
}

/// What a span of time cost a process.
class Cost {
  public:
    explicit Cost(pid_t process) : process_(process), before_(schedule_of(process)) {}
    [[nodiscard]] double cpu() const {
        return std::max(schedule_of(process_).ran - before_.ran, 1e-9);
    }
    /// Others had its core so long, as a share of the time.
    [[nodiscard]] double waited() const {
        return (schedule_of(process_).waited - before_.waited) / wall();
    }
    [[nodiscard]] double wall() const { return seconds_since(begun_); }

  private:
    pid_t process_;
    Schedule before_;
    Clock::time_point begun_ = Clock::now();
};

void report(const char* what, double count, const Cost& cost) {
    std::printf("%s per_cpu_second=%.0f us=%.2f per_second=%.0f cpu=%.3f\n", what,
                count / cost.cpu(), 1e6 * cost.cpu() / count, count / cost.wall(),
                cost.cpu() / cost.wall());
    std::fflush(stdout);
}

void measure_echo(double seconds) {
    const pid_t server = spawn(echo);
    ManySources sources{kEchoPort};
    std::uint64_t answered = 0;
    const auto take = [&](MutableBytes) { ++answered; };
    for (int i = 0; i < 50 && answered == 0; ++i) {
        std::ranges::fill(sources.room().first(kEchoSize), std::byte{1});
        sources.send(0, kEchoSize);
        sources.flush();
        sources.receive(20, take);
    }
    if (answered == 0) fail(kProgram, "the echo does not answer");
    const Cost cost{server};
    const std::uint64_t before = answered;
    const std::uint64_t lost = sources.sent() - answered;
    std::uint32_t source = 0;
    while (cost.wall() < seconds) {
        for (std::size_t i = 0; i < kLoadBatch && sources.sent() - lost - answered < kWindow; ++i) {
            std::ranges::fill(sources.room().first(kEchoSize), std::byte{1});
            sources.send(++source % 1000, kEchoSize);
        }
        sources.flush();
        sources.receive(sources.sent() - lost - answered < kWindow ? 0 : 1, take);
    }
    report("echo", static_cast<double>(answered - before), cost);
    end(server);
}

/// Everybody in turn, in an order that no cache foresees: far from each to the next.
class Turns {
  public:
    explicit Turns(std::size_t count) : count_(count), step_(count * 618 / 1000 + 1) {
        while (std::gcd(step_, count_) != 1) ++step_;
    }
    [[nodiscard]] std::size_t next() { return at_ = (at_ + step_) % count_; }

  private:
    std::size_t count_;
    std::size_t step_;
    std::size_t at_ = 0;
};

/// Keepalives of all peers in turn for `seconds`, as many as go; one in `per_ack` is answered.
std::uint64_t keep_alive(LoadPeers& peers, double seconds, std::uint64_t per_ack) {
    const auto begun = Clock::now();
    const std::uint64_t acknowledged = peers.acknowledged();
    Turns turns{peers.size()};
    std::uint64_t sent = 0;
    const auto answered = [&] { return per_ack * (peers.acknowledged() - acknowledged); };
    while (seconds_since(begun) < seconds) {
        const std::uint64_t allowed = answered() + kWindow;
        for (std::size_t i = 0; i < kLoadBatch && sent < allowed; ++i) {
            peers.send_keepalive(turns.next(), ++sent % per_ack == 0);
        }
        peers.flush();
        peers.receive(sent < allowed ? 0 : 1);
    }
    for (int i = 0; i < 20 && peers.receive(5) > 0; ++i) {
    }
    return answered();
}

/// What a server has to do beside introductions, each a second.
struct Beside {
    double keepalives = 0;
    double returns = 0;
};

/// Introductions beside that load, and the times of all of them. Asked for are the last peers by
/// the first ones; those between them come back.
void introduce(const char* what, pid_t server, LoadPeers& peers, const Beside& load) {
    const std::size_t asked_max = std::min(kIntroductions, peers.size() / 3);
    Turns turns{peers.size()};
    peers.restart();
    const Cost cost{server};
    const Cost own_cost{::getpid()};
    const auto begun = Clock::now();
    const double seconds = static_cast<double>(asked_max) * kIntroductionInterval + 0.3;
    std::uint64_t sent = 0;
    std::size_t returned = 0;
    std::size_t asked = 0;
    for (double elapsed = 0; elapsed < seconds; elapsed = seconds_since(begun)) {
        const auto sent_by_now = static_cast<std::uint64_t>(load.keepalives * elapsed);
        for (std::size_t i = 0; i < kLoadBatch && sent < sent_by_now; ++i) {
            peers.send_keepalive(turns.next(), ++sent % kKeepalivesPerAck == 0);
        }
        if (asked < asked_max &&
            asked < static_cast<std::size_t>(elapsed / kIntroductionInterval)) {
            peers.ask_for(asked, peers.size() - 1 - asked);
            ++asked;
        }
        if (returned < static_cast<std::size_t>(load.returns * elapsed)) {
            peers.begin(asked_max + returned++ % (peers.size() - 2 * asked_max));
        }
        peers.flush();
        peers.receive(0);
    }
    const double busy = cost.cpu() / cost.wall();
    auto times = peers.take_introduction_times();
    if (times.empty()) fail(kProgram, "no introduction was made");
    std::ranges::sort(times);
    const auto ms = [&](std::size_t percent) {
        return static_cast<double>(times[(times.size() - 1) * percent / 100].count()) / 1000;
    };
    std::printf("%s made=%zu of=%zu p50_ms=%.3f p99_ms=%.3f max_ms=%.3f cpu=%.3f waited=%.3f\n",
                what, times.size(), asked, ms(50), ms(99), ms(100), busy,
                cost.waited() + own_cost.waited());
    std::fflush(stdout);
}

/// Lets everybody register. Nobody may be forgotten meanwhile, so those who are in say so; what
/// that costs is not counted as registrations' cost.
void fill(pid_t server, LoadPeers& peers, std::size_t count) {
    const std::size_t first = std::min(count, kMeasured);
    {
        const Cost cost{server};
        if (!peers.grow_to(first, kEnteringAtATime)) fail(kProgram, "a peer was left unanswered");
        report("register", static_cast<double>(first), cost);
    }
    if (count < 2 * kMeasured) {
        if (!peers.grow_to(count, kEnteringAtATime)) fail(kProgram, "a peer was left unanswered");
        return;
    }
    if (!peers.grow_to(count - kMeasured, kEnteringAtATime, true)) {
        fail(kProgram, "a peer was left unanswered");
    }
    const Cost cost{server};
    if (!peers.grow_to(count, kEnteringAtATime)) fail(kProgram, "a peer was left unanswered");
    report("register_last", static_cast<double>(kMeasured), cost);
}

void measure_server(std::size_t count, double seconds) {
    crypto::SystemRandom random;
    const crypto::KeyPair keys = crypto::KeyPair::generate(random);
    const pid_t server = spawn([&] {
        stay_on_core(0);
        serve({*IpAddress::parse("127.0.0.1"), kServerPort}, keys);
    });
    ManySources sources{kServerPort};
    LoadPeers peers{keys.public_key, sources, random, count};
    if (!peers.grow_to(1, 1)) fail(kProgram, "the server does not answer");
    const std::uint64_t memory = memory_of(server);
    if (count > 1) fill(server, peers, count);
    const double per_peer =
        static_cast<double>(memory_of(server) - memory) / static_cast<double>(count);
    std::printf("memory peers=%zu bytes_per_peer=%.0f mib=%.1f peak_mib=%.1f\n", count, per_peer,
                static_cast<double>(memory_of(server)) / kMiB,
                static_cast<double>(peak_memory_of(server)) / kMiB);
    double rate = 0;
    {
        const Cost cost{server};
        const std::uint64_t handled = keep_alive(peers, seconds, kKeepalivesPerAck);
        report("keepalive", static_cast<double>(handled), cost);
        rate = static_cast<double>(handled) / cost.wall();
    }
    {
        const Cost cost{server};
        report("keepalive_answered", static_cast<double>(keep_alive(peers, seconds, 1)), cost);
    }
    const std::size_t again = std::min(count, kComeBack);
    double returns = 0;
    {
        const Cost cost{server};
        if (!peers.come_back(again, kEnteringAtATime)) fail(kProgram, "a peer did not come back");
        report("reregister", static_cast<double>(again), cost);
        returns = static_cast<double>(again) / cost.cpu();
    }
    if (count >= 3) {
        introduce("introductions", server, peers, {.keepalives = rate / 2});
        introduce("introductions_among_returns", server, peers,
                  {.keepalives = rate / 4, .returns = returns / 4});
    }
    end(server);
}

/// How long this disk needs until a block is safe.
double sync_ms(const std::filesystem::path& directory) {
    const std::string file = directory / "sync";
    const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) fail(kProgram, "the directory cannot be written to");
    std::vector<double> times;
    const std::array<char, 4096> block{};
    for (int i = 0; i < 21; ++i) {
        const auto begun = Clock::now();
        if (::write(fd, block.data(), block.size()) < 0 || ::fsync(fd) != 0) {
            fail(kProgram, "the directory cannot be written to");
        }
        times.push_back(1000 * seconds_since(begun));
    }
    ::close(fd);
    std::ranges::nth_element(times, times.begin() + 10);
    return times[10];
}

void measure_durable(const std::filesystem::path& state) {
    crypto::SystemRandom random;
    std::filesystem::create_directories(state);
    const auto key =
        net::IdentityFile::load_or_create(rendezvous::key_path(state), random).keys().public_key;
    const double sync = sync_ms(state);
    const pid_t server = spawn([&] {
        stay_on_core(0);
        serve_durably({*IpAddress::parse("127.0.0.1"), kServerPort}, state);
    });
    ManySources sources{kServerPort};
    LoadPeers peers{key, sources, random, 1 + kDurable};
    if (!peers.grow_to(1, 1)) fail(kProgram, "the server does not answer");
    {
        const Cost cost{server};
        if (!peers.grow_to(1 + kDurable, kDurableAtATime)) {
            fail(kProgram, "a peer was left unanswered");
        }
        report("register_durable", kDurable, cost);
        std::printf("disk sync_ms=%.2f registrations_per_sync=%.1f\n", sync,
                    kDurable / cost.wall() * sync / 1000);
    }
    end(server);
    std::filesystem::remove_all(state);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000;
    const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 2.0;
    if (count < 1 || count > kSourcesMax || seconds <= 0) {
        fail(kProgram, "usage: rendezvous_load [PEERS] [SECONDS] [DIRECTORY]");
    }
    stay_on_core(1);
    measure_echo(seconds);
    measure_server(count, seconds);
    if (argc > 3) measure_durable(argv[3]);
    return 0;
}
