// pickle: reads what torch.save writes, keeps foreign names inert, refuses hostile names, enforces all limits.
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include <cvt/checkpoint/formats/pickle.hpp>

using cvt::errc;
using cvt::checkpoint::byte_source;
using cvt::checkpoint::pickle_kind;
using cvt::checkpoint::pickle_reader;
using cvt::checkpoint::pickle_values;
using namespace std::string_literals;

namespace {

byte_source source_of(const std::string& bytes) { return byte_source::from_memory(std::as_bytes(std::span{bytes})); }

/// A pickle, its byte source and its reader.
struct document {
    std::string bytes;
    byte_source source;
    pickle_reader values;
    std::uint32_t root = 0;
    cvt::error error;

    explicit document(std::string b)
        : bytes{std::move(b)}, source{source_of(bytes)}, values{source, 0, bytes.size()}, error{values.load(root)} {}
};

std::string little(std::uint64_t value, int width) {
    std::string s;
    for (int i = 0; i < width; ++i) s += static_cast<char>(value >> (8 * i));
    return s;
}
std::string text(std::string_view s) { return "X" + little(s.size(), 4) + std::string{s}; }
std::string number(std::int64_t n) { return "\x8a\x08" + little(static_cast<std::uint64_t>(n), 8); }
std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }

void check_refused(const std::string& bytes, errc code, const std::string& message) {
    const document d{bytes};
    INFO(message);
    REQUIRE(d.error);
    CHECK(d.error.code() == code);
    CHECK_THAT(d.error.what(), Catch::Contains(message));
}

const std::string storage = "(" + text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu") + number(12) + "tQ";
const std::string rebuild = global("torch._utils", "_rebuild_tensor_v2");
const std::string no_hooks = global("collections", "OrderedDict") + ")R";
const std::string tensor = rebuild + "(" + storage + number(0) + number(3) + "\x85" + number(1) + "\x85\x89" + no_hooks + "tR";

}  // namespace

TEST_CASE("scalars") {
    CHECK(document{"\x80\x02N."s}.values.kind(0) == pickle_kind::none);
    const document d{"\x80\x02(K\xffM\xff\xffJ\xff\xff\xff\xff\x8a\x00\x8a\x01\x80\x8a\x02\xff\x00G\x3f\xf0\0\0\0\0\0\0\x88\x89t."s};
    REQUIRE_FALSE(d.error);
    REQUIRE(d.values.kind(d.root) == pickle_kind::tuple);
    REQUIRE(d.values.count(d.root) == 9);
    const std::int64_t expected[] = {255, 65535, -1, 0, -128, 255};
    for (int i = 0; i < 6; ++i) {
        CHECK(d.values.kind(d.values.item_of(d.root, i)) == pickle_kind::integer);
        CHECK(d.values.integer(d.values.item_of(d.root, i)) == expected[i]);
    }
    CHECK(d.values.kind(d.values.item_of(d.root, 6)) == pickle_kind::real);
    CHECK(d.values.integer(d.values.item_of(d.root, 7)) == 1);
    CHECK(d.values.integer(d.values.item_of(d.root, 8)) == 0);
}

TEST_CASE("an integer of more than 64 bits keeps its bytes and is not a size") {
    const document d{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s};
    REQUIRE_FALSE(d.error);
    CHECK(d.values.kind(d.root) == pickle_kind::big_integer);
    CHECK(d.values.text(d.root) == "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
    CHECK_FALSE(document{"\x8a\xff" + std::string(255, '\x7f') + "."}.error);
}

TEST_CASE("dictionaries, lists, tuples and the memo") {
    const document d{"\x80\x02}q\x00("s + text("a") + "]q\x01(K\x01K\x02" + "e" + text("b") + "K\x05\x85r\x01\x01\0\0"s + "u" + text("c") +
                     "h\x01s" + text("d") + "j\x01\x01\0\0s."s};
    REQUIRE_FALSE(d.error);
    REQUIRE(d.values.kind(d.root) == pickle_kind::dict);
    CHECK(d.values.count(d.root) == 8);
    const std::uint32_t a = d.values.find(d.root, "a");
    REQUIRE(a != pickle_values::nothing);
    CHECK(d.values.kind(a) == pickle_kind::list);
    CHECK(d.values.count(a) == 2);
    CHECK(d.values.find(d.root, "c") == a);
    CHECK(d.values.find(d.root, "d") == d.values.find(d.root, "b"));
    CHECK(d.values.find(d.root, "e") == pickle_values::nothing);
}

TEST_CASE("protocols 4 and 5: frames, short strings, memoize, stack globals") {
    const document d{"\x80\x05\x95\x10\0\0\0\0\0\0\0}\x94(\x8c\x01k\x94\x8c\x0b"s +
                     "collections\x94\x8c\x0bOrderedDict\x94\x93)Rh\x01h\x02u."};
    REQUIRE_FALSE(d.error);
    CHECK(d.values.kind(d.values.item_of(d.root, 1)) == pickle_kind::dict);
    CHECK(d.values.is_text(d.values.item_of(d.root, 2), "k"));
    CHECK(d.values.is_text(d.values.item_of(d.root, 3), "collections"));
}

TEST_CASE("tensors, parameters and OrderedDict with its _metadata") {
    const std::string parameter = global("torch._utils", "_rebuild_parameter") + tensor + "\x88" + no_hooks + "\x87R";
    const document d{"\x80\x02" + global("collections", "OrderedDict") + ")R(" + text("w") + parameter + "u}" + text("_metadata") + "}sb."};
    REQUIRE_FALSE(d.error);
    const std::uint32_t w = d.values.find(d.root, "w");
    REQUIRE(w != pickle_values::nothing);
    REQUIRE(d.values.kind(w) == pickle_kind::tensor);
    const auto s = d.values.storage(d.values.item_of(d.values.tensor_arguments(w), 0));
    CHECK(s.key == "0");
    CHECK(s.type == cvt::checkpoint::dtype::f32);
    CHECK(s.elements == 12);
    CHECK(s.view_elements == 12);
}

TEST_CASE("hostile names are refused anywhere in a pickle") {
    check_refused("\x80\x02" + global("posix", "system") + text("touch x") + "\x85R.", errc::unsupported, "posix.system");
    check_refused("\x80\x04\x8c\x08"s + "builtins\x8c\x04" + "eval\x93.", errc::unsupported, "builtins.eval");
    check_refused("\x80\x02(" + text("x") + "ios\nsystem\n.", errc::unsupported, "os.system");  // INST
    check_refused("\x80\x02}" + text("w") + tensor + "s" + text("x") + global("__builtin__", "exec") + "s.", errc::unsupported,
                  "__builtin__.exec");
    check_refused("\x80\x02" + global("os.path", "join") + "0N.", errc::unsupported, "os.path.join");  // even if it is popped again
    check_refused("\x80\x02" + global("posix", "a\x1b[31m\x07\xff") + ".", errc::unsupported, "posix.a?[31m??");
    check_refused("\x80\x02" + global("os", std::string(250, 'm')) + ".", errc::unsupported, "os." + std::string(150, 'm'));
    check_refused("\x80\x02" + global(std::string(5000, 'm'), "n") + ".", errc::unsupported, "longer than 256");
    check_refused("\x80\x04K\x01K\x02\x93.", errc::malformed, "name is not a string");
}

TEST_CASE("any other name becomes a foreign name, and a call of it an object with the arguments") {
    const std::string name = global("argparse", "Namespace");
    const document d{"\x80\x02" + name + ")R}" + text("lr") + "G\x3f\xe0\0\0\0\0\0\0sb."s};
    REQUIRE_FALSE(d.error);
    REQUIRE(d.values.kind(d.root) == pickle_kind::object);
    REQUIRE(d.values.count(d.root) == 3);
    const std::uint32_t callee = d.values.item_of(d.root, 0);
    REQUIRE(d.values.kind(callee) == pickle_kind::foreign);
    CHECK(d.values.module_of(callee) == "argparse");
    CHECK(d.values.name_of(callee) == "Namespace");
    CHECK(d.values.kind(d.values.item_of(d.root, 1)) == pickle_kind::tuple);
    CHECK(d.values.real(d.values.find(d.values.item_of(d.root, 2), "lr")) == 0.5);
    // Names that begin like a hostile one, or that torch has in another module, are ordinary foreign names.
    for (const char* module : {"osmnx", "system", "collections", "torch", "builtins"})
        CHECK(document{"\x80\x02" + global(module, "OrderedDicts") + "."}.values.kind(2) == pickle_kind::foreign);
}

TEST_CASE("objects: every opcode that makes or fills one") {
    const std::string name = global("a.b", "C");
    for (const std::string& bytes :
         {name + ")R.", name + ")\x81.", name + ")}\x92.", name + ")R)R.", name + "N\x81K\1a.", name + ")\x81(K\1K\2e.",
          name + ")\x81(" + text("k") + "K\1u.", name + ")\x81" + text("k") + "K\1s.", name + ")\x81Nb}b.", name + ")\x81(K\1\x90.",
          "(" + text("module") + name + "NNtQ.", "(" + text("storage") + name + text("0") + text("cpu") + number(1) + "tQ."}) {
        const document d{"\x80\x04" + bytes};
        INFO(bytes);
        INFO(d.error.what());
        REQUIRE_FALSE(d.error);
        CHECK(d.values.kind(d.root) == pickle_kind::object);
    }
    const document parts{"\x80\x04" + name + ")\x81(K\1K\2e(" + text("k") + "K\3uNb."};
    REQUIRE_FALSE(parts.error);
    REQUIRE(parts.values.count(parts.root) == 5);
    CHECK(parts.values.kind(parts.values.item_of(parts.root, 2)) == pickle_kind::list);
    CHECK(parts.values.integer(parts.values.find(parts.values.item_of(parts.root, 3), "k")) == 3);
    CHECK(parts.values.kind(parts.values.item_of(parts.root, 4)) == pickle_kind::none);
    const document itself{"\x80\x04" + name + ")\x81\x94h\0a."s};
    REQUIRE_FALSE(itself.error);
    CHECK(itself.values.item_of(itself.values.item_of(itself.root, 2), 0) == itself.root);
    const document deep{"\x80\x04" + name + [] {
        std::string calls;
        for (int i = 0; i < 200000; ++i) calls += ")R";
        return calls;
    }() + "."};
    CHECK_FALSE(deep.error);  // its destruction does not recurse either
}

TEST_CASE("an object in place of a tensor, a storage or a number makes an object") {
    const std::string object = global("a", "b") + ")R";
    const document tensor_of{"\x80\x02" + rebuild + "(" + object + number(0) + ")))NtR."};
    REQUIRE_FALSE(tensor_of.error);
    CHECK(tensor_of.values.kind(tensor_of.root) == pickle_kind::object);
    const document parameter{"\x80\x02" + global("torch._utils", "_rebuild_parameter") + object + "NN\x87R."};
    REQUIRE_FALSE(parameter.error);
    CHECK(parameter.values.kind(parameter.root) == pickle_kind::object);
    check_refused("(" + text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu") + object + "tQ.", errc::unsupported,
                  "persistent id");
    check_refused(")" + object + "a.", errc::unsupported, "cannot add items to a tuple");
}

TEST_CASE("tensors of newer and older versions of torch") {
    const std::string arguments = "(" + storage + number(0) + number(3) + "\x85" + number(1) + "\x85";
    const auto kind_of = [](const std::string& bytes) {
        const document d{"\x80\x02" + bytes + "."};
        INFO(d.error.what());
        REQUIRE_FALSE(d.error);
        return d.values.kind(d.root);
    };
    CHECK(kind_of(global("torch._utils", "_rebuild_tensor") + arguments + "tR") == pickle_kind::tensor);
    CHECK(kind_of(global("torch._utils", "_rebuild_parameter_with_state") + "(" + tensor + "\x88)}tR") == pickle_kind::tensor);
    const std::string typed = global("torch._tensor", "_rebuild_from_type_v2"), type = global("torch", "Tensor");
    CHECK(kind_of(typed + "(" + rebuild + type + arguments + "\x89NtNtR") == pickle_kind::tensor);
    CHECK(kind_of(typed + "(" + global("a", "b") + type + ")NtR") == pickle_kind::object);
    CHECK(kind_of(typed + "(" + typed + type + ")NtR") == pickle_kind::object);
    check_refused(typed + ")R.", errc::unsupported, "_rebuild_from_type_v2");
}

TEST_CASE("an OrderedDict of Python 2, and many conversions of one list") {
    const std::string ordered = global("collections", "OrderedDict");
    const document d{ordered + "]((" + text("a") +
                     "K\1tK\2K\3\x86"
                     "e\x85R."};
    REQUIRE_FALSE(d.error);
    REQUIRE(d.values.kind(d.root) == pickle_kind::dict);
    CHECK(d.values.integer(d.values.find(d.root, "a")) == 1);
    check_refused(ordered + "]K\1a\x85R.", errc::unsupported, "collections.OrderedDict");
    std::string bomb = ordered + "q\0N)\x86q\2]q\1("s;
    for (int i = 0; i < 1000; ++i) bomb += "h\2";
    bomb += "e";
    for (int i = 0; i < 100; ++i) bomb += "h\0h\1\x85R"s;
    check_refused(bomb + ".", errc::unsupported, "too many lists are converted");
}

TEST_CASE("bytes, sets, large strings, DUP and POP") {
    const document d{
        "\x80\x04(C\2abB\2\0\0\0cd\x8e\1\0\0\0\0\0\0\0e\x96\1\0\0\0\0\0\0\0f\x8d\1\0\0\0\0\0\0\0gU\1hT\1\0\0\0i"
        "\x8f(K\1\x90(K\2\x91\x8b\1\0\0\0\5N0(NN1"
        "2t."s};
    INFO(d.error.what());
    REQUIRE_FALSE(d.error);
    REQUIRE(d.values.count(d.root) == 11);
    const char* const texts[]{"ab", "cd", "e", "f", "g", "h", "i"};
    for (int i = 0; i < 7; ++i) {
        const std::uint32_t v = d.values.item_of(d.root, i);
        CHECK(d.values.kind(v) == (i < 4 ? pickle_kind::bytes : pickle_kind::text));
        CHECK(d.values.text(v) == texts[i]);
    }
    CHECK(d.values.kind(d.values.item_of(d.root, 7)) == pickle_kind::list);
    CHECK(d.values.kind(d.values.item_of(d.root, 8)) == pickle_kind::tuple);
    CHECK(d.values.integer(d.values.item_of(d.root, 9)) == 5);
    CHECK(d.values.item_of(d.root, 10) == d.values.item_of(d.root, 9));
    check_refused("0.", errc::malformed, "a mark is missing");
    check_refused("1.", errc::malformed, "a mark is missing");
    check_refused("(2.", errc::malformed, "nothing to copy");
    check_refused("\x8d" + little(UINT64_MAX, 8) + ".", errc::malformed, "truncated");
    check_refused("C\1", errc::malformed, "truncated");
    check_refused(global("a", "b") + "\x81.", errc::malformed, "an object without arguments");
    check_refused(global("a", "b") + ")\x92.", errc::malformed, "an object without arguments");
}

TEST_CASE("any other opcode is refused with its number and offset") {
    // Opcodes of protocols 0 and 1, extensions, out-of-band buffers.
    std::string allowed{
        "\x80\x95(N\x88\x89KMJ\x8aGX\x8c)\x85\x86\x87t]ae}suqr\x94hjc\x93RbQ.i\x81\x92"
        "012\x8bTU\x8d"
        "CB\x8e\x96\x8f\x90\x91"};
    for (int op = 0; op < 256; ++op) {
        if (allowed.find(static_cast<char>(op)) != std::string::npos) continue;
        char expected[40];
        std::snprintf(expected, sizeof expected, "byte 3: refused opcode 0x%02x", static_cast<unsigned>(op));
        check_refused("\x80\x02N" + std::string(1, static_cast<char>(op)) + "AAAAAAAA\nAAAA\n.", errc::unsupported, expected);
    }
    check_refused("\x80\x06N.", errc::unsupported, "expected protocol 5 or lower, found 6");
}

TEST_CASE("calls that torch does not write are refused") {
    check_refused(global("torch", "FloatStorage") + ")R.", errc::unsupported, "torch.FloatStorage");
    check_refused(no_hooks + ")R.", errc::unsupported, "cannot call a dictionary");
    check_refused(global("collections", "OrderedDict") + "K\x01\x85R.", errc::unsupported, "collections.OrderedDict");
    check_refused(global("collections", "OrderedDict") + "]R.", errc::unsupported, "collections.OrderedDict");
    check_refused(rebuild + ")R.", errc::unsupported, "_rebuild_tensor_v2");
    check_refused(rebuild + "(NNNNNNtR.", errc::unsupported, "_rebuild_tensor_v2");
    check_refused(global("torch._utils", "_rebuild_parameter") + "NNN\x87R.", errc::unsupported, "_rebuild_parameter");
    check_refused("]}b.", errc::unsupported, "cannot set the state of a list");
    check_refused("}]b.", errc::unsupported, "cannot set the state of a dictionary");
    check_refused("]K\x01K\x02s.", errc::unsupported, "cannot add items to a list");
    check_refused(")K\x01" + "a."s, errc::unsupported, "cannot add items to a tuple");
}

TEST_CASE("persistent ids that are not storages are refused") {
    const std::string type = global("torch", "FloatStorage");
    const auto id = [&](const std::string& items) { check_refused("(" + items + "tQ.", errc::unsupported, "persistent id"); };
    id("");
    id(text("modules") + type + text("0") + text("cpu") + number(1));
    id(text("storage") + text("FloatStorage") + text("0") + text("cpu") + number(1));
    id(text("storage") + global("collections", "OrderedDict") + text("0") + text("cpu") + number(1));
    id(text("storage") + type + number(0) + text("cpu") + number(1));
    id(text("storage") + type + text("0") + text("cpu") + number(-1));
    id(text("storage") + type + text("0") + text("cpu") + "\x8a\x09" + std::string(9, '\1'));
    id(text("storage") + type + text("0") + text("cpu") + number(4) + "(" + text("v") + number(3) + number(2) + "t");
    id(text("storage") + type + text("0") + text("cpu") + number(4) + "(" + text("v") + number(INT64_MAX) + number(INT64_MAX) + "t");
    id(text("storage") + type + text("0") + text("cpu") + number(4) + "(" + text("v") + number(-1) + number(2) + "t");
    check_refused(")Q.", errc::unsupported, "persistent id");
}

TEST_CASE("misuse of stack and memo is refused") {
    for (const char* bytes : {".",     "NN.",    "(.",     "(N.",  "t.",    "u.",      "e.",     "a.",      "s.",   "K\1s.",
                              "R.",    "NR.",    "b.",     "Nb.",  "Q.",    "\x85.",   "N\x86.", "NN\x87.", "q\1.", "\x94.",
                              "\x93.", "N\x93.", "](NNt.", "N(R.", "NN(R.", "N(\x85.", "N(q.",   "}(Nu.",   "(e.",  "N(b."})
        check_refused(std::string{bytes} + std::string(8, '\0'), errc::malformed, "");
    check_refused("Nq\0h\1."s, errc::malformed, "memo entry 1 was never set");
    check_refused("Nr\x05\0\0\0h\4."s, errc::malformed, "memo entry 4 was never set");
    check_refused("Nr\0\x10\0\0."s, errc::unsupported, "memo index 4096 is too large");  // otherwise six bytes could allocate 4 MB
    check_refused("j\xff\xff\xff\xff.", errc::malformed, "memo entry 4294967295 was never set");
    check_refused("Nr\xff\xff\xff\xff.", errc::unsupported, "memo index 4294967295");
}

TEST_CASE("each pickle has its own memo") {
    document d{"Nq\x05.h\x05."s};
    REQUIRE_FALSE(d.error);
    CHECK(d.values.position() == 4);
    CHECK_THAT(d.values.load(d.root).what(), Catch::Contains("memo entry 5"));
}

TEST_CASE("containers may contain themselves and each other") {
    const document d{"]q\0h\0ah\0a}q\1("s + text("me") + "h\1u\x86."s};
    REQUIRE_FALSE(d.error);
    const std::uint32_t dict = d.values.item_of(d.root, 1);
    CHECK(d.values.find(dict, "me") == dict);
    const document list{"]q\0h\0a."s};
    REQUIRE_FALSE(list.error);
    CHECK(list.values.item_of(list.root, 0) == list.root);
}

TEST_CASE("a memo bomb takes no more memory than its bytes") {
    // Each level holds the previous one ten times: a billion items if anything were copied.
    std::string bytes = "]q\0"s;
    for (int level = 1; level < 200; ++level)
        bytes += "]q" + std::string(1, static_cast<char>(level)) + "(" + [&] {
            std::string refs;
            for (int i = 0; i < 10; ++i) refs += "h" + std::string(1, static_cast<char>(level - 1));
            return refs;
        }() + "e\x86";
    const document d{bytes + "."};
    REQUIRE_FALSE(d.error);
    CHECK(d.values.size() < 500);
}

TEST_CASE("limits are enforced") {
    check_refused(std::string(2000, '('), errc::unsupported, "more than 1024 levels of nesting");
    check_refused(std::string(100000, 'N'), errc::unsupported, "more than 65536 values on the stack");
    std::string many = "]q\0"s;
    for (int i = 0; i < 500001; ++i) many += "Na";
    check_refused(many + ".", errc::unsupported, "more than 1000000 opcodes");
    check_refused("X\xff\xff\xff\xff" + "abc."s, errc::malformed, "truncated");
    check_refused("X" + little(65U << 20, 4) + std::string(66U << 20, 'a'), errc::unsupported, "larger than 64 MiB");
}

TEST_CASE("a pickle truncated at any byte is an error") {
    const std::string whole =
        "\x80\x02}q\x00("s + text("w") + tensor + text("n") + "G" + std::string(8, '\0') + text("l") + "\x8a\x03" + "abcu.";
    REQUIRE_FALSE(document{whole}.error);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const document d{whole.substr(0, n)};
        INFO(n);
        CHECK(d.error);
    }
}

TEST_CASE("the reader reads only the bytes that it needs, and only in the given range") {
    const std::string bytes = "....N." + std::string(1000, 'x');
    const byte_source source = source_of(bytes);
    pickle_reader inside{source, 4, 2}, cut{source, 4, 1};
    std::uint32_t root = 0;
    CHECK_FALSE(inside.load(root));
    CHECK(inside.position() == 6);
    CHECK(cut.load(root).code() == errc::malformed);
}
