#include <map>
#include <utility>

#include "peer/stream_connection.hpp"
#include "shared/base/cursor.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;
using namespace pinhole::peer;

namespace {

const Id kPeer = *Id::parse("peer");

/// A service that does with its streams whatever the input says next.
class Script final : public StreamService {
  public:
    explicit Script(Bytes input) : input_(input) {}

    /// The next octet of the input; 0 when it is used up.
    [[nodiscard]] std::uint8_t octet() {
        if (input_.empty()) return 0;
        const auto out = std::to_integer<std::uint8_t>(input_.front());
        input_ = input_.subspan(1);
        return out;
    }
    [[nodiscard]] Bytes take(std::size_t size) {
        const Bytes out = input_.first(std::min(size, input_.size()));
        input_ = input_.subspan(out.size());
        return out;
    }
    [[nodiscard]] bool is_over() const { return input_.empty(); }

    void act(StreamNumber number) {
        switch (octet() % 8) {
            case 0: connection->accept(number); break;
            case 1: connection->refuse(number, Refusal::kBusy, "busy"); break;
            case 2: static_cast<void>(connection->write(number, take(octet()))); break;
            case 3: connection->finish(number); break;
            case 4: consume(number); break;
            case 5: connection->reset(number, ResetReason::kCancelled); break;
            case 6: static_cast<void>(connection->send_datagram(number, take(octet()))); break;
            case 7: break;
        }
    }
    void open() {
        if (connection->size() < 64) {
            static_cast<void>(connection->open(ServiceKind::kPipe, take(octet()), *this));
        }
    }

    void on_opened(const StreamName& stream, Bytes /*argument*/) override {
        unread_[stream.number] = 0;
        act(stream.number);
    }
    void on_accepted(const StreamName& stream) override { act(stream.number); }
    void on_refused(const StreamName& stream, Refusal, std::string_view) override {
        unread_.erase(stream.number);
    }
    void on_data(const StreamName& stream, Bytes bytes) override {
        unread_[stream.number] += bytes.size();
        act(stream.number);
    }
    void on_room(const StreamName& stream) override { act(stream.number); }
    void on_finished(const StreamName& stream) override { act(stream.number); }
    void on_done(const StreamName& stream) override { act(stream.number); }
    void on_closed(const StreamName& stream) override { unread_.erase(stream.number); }
    void on_lost(const StreamName& stream, StreamEnd) override { unread_.erase(stream.number); }
    void on_datagram(const StreamName& stream, Bytes) override { act(stream.number); }

    StreamConnection* connection = nullptr;

  private:
    /// All that is unread: a service may not consume more than it got.
    void consume(StreamNumber number) {
        const std::size_t all = std::exchange(unread_[number], 0);
        connection->consume(number, all);
    }

    Bytes input_;
    std::map<StreamNumber, std::size_t> unread_;
};

void check_frame(Bytes input) {
    fuzz::check_round_trip(input, parse_stream_frame, [](StreamFrame frame, MutableBytes out) {
        // Its sender saw the stream from the other side.
        std::visit([](auto& any) { any.stream.is_ours ^= true; }, frame);
        const ByteVector bytes = encode(frame);
        Writer{out}.bytes(bytes);
        return bytes.size();
    });
}

/// A connection, whose other side says what the input holds, and on which our services do what it
/// holds, in an order that it chooses.
void run(Bytes input) {
    Script script{input};
    bool has_room = true;
    const StreamCarrier carrier{.send =
                                    [&](const Id&, std::uint8_t, Bytes message) {
                                        // What we say, the other side understands.
                                        assert(parse_stream_frame(message).has_value());
                                        return has_room;
                                    },
                                .has_room = [&](const Id&) { return has_room; }};
    const StreamConnection::Services services{{ServiceKind::kPipe, &script}};
    StreamConnection connection{kPeer, carrier, services};
    script.connection = &connection;
    while (!script.is_over()) {
        const std::uint8_t what = script.octet();
        switch (what % 8) {
            case 0: script.open(); break;
            case 1: has_room = !has_room; break;
            case 2: connection.on_room(); break;
            case 3:
                connection.on_message(kStreamDatagramChannel, script.take(script.octet()));
                break;
            default: connection.on_message(kStreamChannel, script.take(script.octet())); break;
        }
    }
    connection.lose_all();
    assert(connection.size() == 0);
}

}  // namespace

// Frames of the other side's streams, one by one and against a connection.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    check_frame(input);
    run(input);
    return 0;
}
