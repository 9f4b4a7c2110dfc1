#include "shared/wire/id.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto read = [](Bytes bytes) {
        Reader reader{bytes};
        return wire::Id::read(reader);
    };
    const auto write = [](const wire::Id& id, MutableBytes out) {
        Writer writer{out};
        id.write(writer);
        return writer.size();
    };
    fuzz::check_round_trip(input, read, write);

    // What a person may type is what the wire may carry, once it is in lower case.
    const auto typed = wire::Id::parse(as_text(input));
    if (typed) assert(wire::Id::parse(typed->text()) == typed);
    if (const auto carried = read(input); carried) {
        assert(wire::Id::parse(carried->text()) == *carried);
    }
    return 0;
}
