// torch: every container and kind of PyTorch tensor is read exactly, and damaged files are refused.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <support/formula.hpp>
#include <support/torch_reader.hpp>

using cvt::errc;
using cvt::checkpoint::byte_source;
using cvt::checkpoint::dtype;
using cvt::checkpoint::tensor_entry;
using cvt::checkpoint::tensor_table;
using namespace std::string_literals;

namespace {

constexpr std::uint64_t seed = 7;
const std::string folder = CVT_TEST_DATA "/torch/";

std::string bytes_of(const std::string& name) {
    std::ifstream f(folder + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(f), std::istreambuf_iterator<char>()};
}

cvt::error read_file(const std::string& name, tensor_table& out) {
    auto source = byte_source::open((folder + name).c_str());
    REQUIRE(source);
    return cvt_test::read_torch(std::move(*source), out);
}

/// `bytes` must outlive `out`.
cvt::error read_bytes(const std::string& bytes, tensor_table& out) {
    return cvt_test::read_torch(byte_source::from_memory(std::as_bytes(std::span{bytes})), out);
}

std::vector<float> values(const tensor_table& t, std::size_t i) {
    std::vector<float> v(static_cast<std::size_t>(t.entry(i).elements()));
    REQUIRE_FALSE(t.read(i, v.data()));
    return v;
}

std::vector<float> values(const tensor_table& t, std::string_view name) {
    for (std::size_t i = 0; i < t.size(); ++i)
        if (t.name(i) == name) return values(t, i);
    FAIL("no tensor " << name);
    return {};
}

std::vector<std::int64_t> shape(const tensor_table& t, std::string_view name) {
    for (std::size_t i = 0; i < t.size(); ++i)
        if (t.name(i) == name) return {t.entry(i).shape, t.entry(i).shape + t.entry(i).rank};
    FAIL("no tensor " << name);
    return {};
}

std::vector<float> formula(const std::string& name, std::vector<std::int64_t> extents) {
    return cvt_test::formula_tensor(name, extents, seed);
}

/// Compares all tensors of a file with official names with the formula; `rounding` is relative. Returns their number.
std::size_t check_formula(const tensor_table& t, std::string_view prefix, float rounding) {
    std::size_t weights = 0;
    for (std::size_t i = 0; i < t.size(); ++i) {
        std::string_view name = t.name(i);
        INFO(name);
        REQUIRE(name.starts_with(prefix));
        name.remove_prefix(prefix.size());
        const std::vector<float> found = values(t, i);
        if (name.ends_with("num_batches_tracked")) {
            CHECK(found == std::vector<float>{123});
            continue;
        }
        ++weights;
        const std::vector<float> expected = cvt_test::formula_tensor(name, t.entry(i).extents(), seed);
        std::size_t wrong = 0;
        for (std::size_t j = 0; j < expected.size(); ++j)
            wrong += std::fabs(found[j] - expected[j]) > std::fabs(expected[j]) * rounding + rounding / 8192 ? 1U : 0U;
        CHECK(wrong == 0);
    }
    return weights;
}

// ---- files that the test makes
std::string little(std::uint64_t value, int width) {
    std::string s;
    for (int i = 0; i < width; ++i) s += i < 8 ? static_cast<char>(value >> (8 * i)) : '\0';
    return s;
}
std::string text(std::string_view s) { return "X" + little(s.size(), 4) + std::string{s}; }
std::string number(std::int64_t n) { return "\x8a\x08" + little(static_cast<std::uint64_t>(n), 8); }
std::string tuple(const std::vector<std::int64_t>& items) {
    std::string s = "(";
    for (const std::int64_t n : items) s += number(n);
    return s + "t";
}

struct handmade {
    std::int64_t elements = 12, offset = 0;
    std::vector<std::int64_t> extents{3, 4}, strides{4, 1};
    std::string key = "0", type = "FloatStorage", view = {}, notes = {};

    [[nodiscard]] std::string object() const {
        return "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" + text(key) +
               text("cpu") + number(elements) + view + "tQ" + number(offset) + tuple(extents) + tuple(strides) + "\x89" +
               "ccollections\nOrderedDict\n)R" + notes + "tRs.";
    }
};

struct zip_file {
    struct item {
        std::string name, data;
        unsigned method = 0, flags = 0;
    };
    std::vector<item> items;
    bool zip64 = false;
    std::string comment = {};

    [[nodiscard]] std::string bytes() const {
        std::string out, directory;
        for (const item& e : items) {
            const std::uint64_t header = out.size(), size = e.data.size();
            // Like torch: no sizes before the data, a padding field of any length, a data descriptor after the data.
            out += "PK\x03\x04" + little(0, 2) + little(e.flags | 8, 2) + little(e.method, 2) + little(0, 16) + little(e.name.size(), 2) +
                   little(7, 2) + e.name + "FB\x03\0ZZZ"s + e.data + "PK\x07\x08" + little(0, 12);
            const std::string extra = zip64 ? "\x01\0\x18\0"s + little(size, 8) + little(size, 8) + little(header, 8) : "";
            const auto narrow = [&](std::uint64_t v) { return little(zip64 ? 0xFFFFFFFF : v, 4); };
            directory += "PK\x01\x02" + little(0, 4) + little(e.flags | 8, 2) + little(e.method, 2) + little(0, 8) + narrow(size) +
                         narrow(size) + little(e.name.size(), 2) + little(extra.size(), 2) + little(0, 2) + little(0, 2) + little(0, 6) +
                         narrow(header) + e.name + extra;
        }
        const std::uint64_t at = out.size();
        out += directory;
        if (zip64) {
            const std::uint64_t record = out.size();
            out += "PK\x06\x06" + little(44, 8) + little(0x002d031e, 4) + little(0, 8) + little(items.size(), 8) + little(items.size(), 8) +
                   little(directory.size(), 8) + little(at, 8);
            out += "PK\x06\x07" + little(0, 4) + little(record, 8) + little(1, 4);
            out += "PK\x05\x06" + little(0, 4) + little(0xFFFF, 2) + little(0xFFFF, 2) + little(0xFFFFFFFF, 4) + little(0xFFFFFFFF, 4);
        } else {
            out += "PK\x05\x06" + little(0, 4) + little(items.size(), 2) + little(items.size(), 2) + little(directory.size(), 4) +
                   little(at, 4);
        }
        return out + little(comment.size(), 2) + comment;
    }
};

const std::string twelve = [] {
    std::string s;
    for (int i = 0; i < 12; ++i) {
        const auto f = static_cast<float>(i);
        s.append(reinterpret_cast<const char*>(&f), 4);
    }
    return s;
}();

zip_file zip_of(const handmade& h) { return {{{"a/data.pkl", h.object()}, {"a/data/0", twelve}, {"a/version", "3\n"}}}; }

void check_refused(const std::string& bytes, errc code, const std::string& message) {
    INFO(message);
    tensor_table t;
    const cvt::error e = read_bytes(bytes, t);
    REQUIRE(e);
    CHECK_THAT(e.what(), Catch::Contains(message));
    CHECK(e.code() == code);
}
void check_tensor_refused(const handmade& h, errc code, const std::string& message) { check_refused(zip_of(h).bytes(), code, message); }

/// Reads all tensors of a file. A damaged file may be refused or accepted, but must do no harm.
void exercise(const std::string& bytes) {
    tensor_table t;
    if (read_bytes(bytes, t)) return;
    for (std::size_t i = 0; i < t.size(); ++i) (void)values(t, i);
}

}  // namespace

TEST_CASE("torch: tensor metadata of PyTorch 2, such as a negation flag, is not ignored") {
    for (const char* nothing : {"", "N", "}"}) {
        tensor_table t;
        CHECK_FALSE(read_bytes(zip_of({.notes = nothing}).bytes(), t));
        CHECK(t.size() == 1);
    }
    check_tensor_refused({.notes = "}" + text("neg") + "\x88s"}, errc::unsupported, "w: has metadata (such as a negation flag)");
}

TEST_CASE("every container and naming of the same model") {
    struct example {
        const char *file, *prefix;
        float rounding;
        std::size_t weights;
    };
    for (const example& e :
         {example{"tiny-official.pth", "", 0, 110}, example{"tiny-official-legacy.pth", "", 0, 110},
          example{"tiny-official-nested.pth", "state_dict/", 0, 110}, example{"tiny-official-views.pth", "", 0, 110},
          example{"tiny-official-ddp.pth", "module.", 0, 110}, example{"tiny-encoder.pth", "encoder/", 0, 108},
          example{"tiny-official-f16.pth", "", 1.F / 2048, 110}, example{"tiny-official-bf16.pth", "", 1.F / 256, 110}}) {
        INFO(e.file);
        tensor_table t;
        const cvt::error failed = read_file(e.file, t);
        INFO(failed.what());
        REQUIRE_FALSE(failed);
        CHECK(check_formula(t, e.prefix, e.rounding) == e.weights);
        CHECK(shape(t, std::string{e.prefix} + "stage1.patch_embed.proj.weight") == std::vector<std::int64_t>{8, 4, 3, 3});
        CHECK(shape(t, std::string{e.prefix} + "stage2.cls_token") == std::vector<std::int64_t>{1, 1, 12});
    }
}

TEST_CASE("half and bfloat16 tensors are converted exactly") {
    for (const auto& [file, type] : {std::pair{"tiny-official-f16.pth", dtype::f16}, std::pair{"tiny-official-bf16.pth", dtype::bf16}}) {
        tensor_table t;
        REQUIRE_FALSE(read_file(file, t));
        std::size_t rounded = 0;
        for (std::size_t i = 0; i < t.size(); ++i) {
            if (t.entry(i).type == dtype::i64) continue;
            REQUIRE(t.entry(i).type == type);
            const std::vector<float> found = values(t, i), expected = cvt_test::formula_tensor(t.name(i), t.entry(i).extents(), seed);
            for (std::size_t j = 0; j < found.size(); ++j) rounded += found[j] == expected[j] ? 0U : 1U;
        }
        CHECK(rounded > 4000);  // of 5914: the files contain rounded weights
    }
}

TEST_CASE("a Hugging Face file contains the same tensors under its own names, whole or in shards") {
    tensor_table official, whole, shards;
    REQUIRE_FALSE(read_file("tiny-official.pth", official));
    REQUIRE_FALSE(read_file("tiny-hf/pytorch_model.bin", whole));
    REQUIRE_FALSE(read_file("tiny-hf-sharded/pytorch_model-00001-of-00002.bin", shards));
    REQUIRE_FALSE(read_file("tiny-hf-sharded/pytorch_model-00002-of-00002.bin", shards));
    REQUIRE(whole.size() == official.size());
    REQUIRE(shards.size() == official.size());
    CHECK(shards.entry(0).shard == 0);
    CHECK(shards.entry(shards.size() - 1).shard == 1);
    CHECK(whole.name(0) == "cvt.encoder.stages.0.embedding.convolution_embeddings.projection.weight");
    CHECK(whole.name(whole.size() - 1) == "classifier.bias");
    for (std::size_t i = 0; i < official.size(); ++i) {
        INFO(whole.name(i));
        CHECK(whole.name(i) == shards.name(i));
        CHECK(values(whole, i) == values(official, i));
        CHECK(values(shards, i) == values(official, i));
    }
}

TEST_CASE("every kind of tensor is read") {
    const std::string file = GENERATE("mixed.pth"s, "mixed-legacy.pth"s, "mixed-protocol4.pth"s, "mixed-repacked.pth"s);
    INFO(file);
    tensor_table t;
    REQUIRE_FALSE(read_file(file, t));
    REQUIRE(t.size() == 11);
    CHECK(values(t, "parameter.weight") == formula("parameter.weight", {3, 4}));
    const std::vector<float> thirds = formula("double.weight", {2, 3}), found = values(t, "double.weight");
    for (std::size_t i = 0; i < 6; ++i) CHECK(found[i] == static_cast<float>(static_cast<double>(thirds[i]) / 3));
    CHECK(values(t, "long.count") == std::vector<float>{1099511627776.F});
    CHECK(shape(t, "long.count").empty());
    CHECK(values(t, "int.count") == std::vector<float>{1, -2, 3});
    const std::vector<float> base = formula("base.weight", {5, 6}), view = values(t, "view.weight");
    CHECK(values(t, "base.weight") == base);
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c) CHECK(view[r * 3 + c] == base[(1 + c) * 6 + 2 + r]);
    CHECK(values(t, "expanded.bias") == std::vector<float>(4, formula("expanded.bias", {1})[0]));
    CHECK(values(t, "scalar.bias") == formula("scalar.bias", {1}));
    CHECK(shape(t, "empty.weight") == std::vector<std::int64_t>{0, 3});
}

TEST_CASE("every tensor of a training checkpoint has the path of its dictionary") {
    tensor_table t;
    REQUIRE_FALSE(read_file("training.pth", t));
    CHECK(t.size() == 20);
    CHECK(values(t, "loss") == std::vector<float>{0.5F});
    CHECK(values(t, "model/0.weight") == formula("0.weight", {2, 3}));
    CHECK(values(t, "model/1.num_batches_tracked") == std::vector<float>{1});
    CHECK(shape(t, "optimizer/state/0/exp_avg") == std::vector<std::int64_t>{2, 3});
}

TEST_CASE("files that are not plain checkpoints are refused with the reason") {
    const auto refused = [](const char* file, const char* message) {
        INFO(file);
        tensor_table t;
        const cvt::error e = read_file(file, t);
        CHECK(e.code() == errc::unsupported);
        CHECK_THAT(e.what(), Catch::Contains(message));
        CHECK(t.size() == 0);
    };
    refused("hostile-reduce.pth", "posix.system");
    refused("hostile-bare-pickle.pth", "posix.system");
    refused("refused-deflated.pth", "data.pkl is compressed (method 8)");
    refused("refused-list.pth", "expected a dictionary of tensors, found a list");
    CHECK_FALSE(std::ifstream("cvt-pickle-was-executed").good());
    for (const auto reader : {cvt::checkpoint::read_torch_zip, cvt::checkpoint::read_torch_legacy}) {
        const std::string text = "hello world";
        tensor_table t;
        CHECK(reader(byte_source::from_memory(std::as_bytes(std::span{text})), t));
        CHECK(t.size() == 0);
    }
    check_refused("\x80", errc::malformed, "truncated");
    check_refused("\x80\x02}.", errc::malformed, "magic number");
}

TEST_CASE("objects beside the tensors are ignored") {
    tensor_table t;
    REQUIRE_FALSE(read_file("beside-namespace.pth", t));
    REQUIRE(t.size() == 1);
    CHECK(values(t, "state_dict/head.weight") == formula("head.weight", {2, 3}));
}

TEST_CASE("paths of tensors in dictionaries, lists, objects and modules") {
    const std::string w = handmade{}.object(), tensor = w.substr(3 + 6, w.size() - 3 - 6 - 2);
    const auto names = [&](const std::string& object) {
        const std::string bytes = zip_file{{{"a/data.pkl", "\x80\x02" + object + "."}, {"a/data/0", twelve}}}.bytes();
        tensor_table t;
        const cvt::error e = read_bytes(bytes, t);
        if (e) return std::string{e.what()};
        std::string all;
        for (std::size_t i = 0; i < t.size(); ++i) all += std::string{t.name(i)} + " ";
        return all;
    };
    const auto dict = [&](const std::string& key, const std::string& value) { return "}" + text(key) + value + "s"; };
    CHECK(names(dict("a", tensor)) == "a ");
    CHECK(names("}(" + text("a") + tensor + text("epoch") + "K\x03" + text("b") + tensor + "u") == "a b ");
    CHECK(names("}(" + text("encoder") + dict("e", tensor) + text("model") + dict("m", tensor) + "u") == "encoder/e model/m ");
    CHECK(names("}(" + text("model") + text("CvT-13") + text("state_dict") + dict("s", tensor) + "u") == "state_dict/s ");
    CHECK(names("}(" + text("encoder") + dict("e", tensor) + text("classifier") + tensor + "u") == "classifier encoder/e ");
    CHECK(names(dict("network", dict("a", tensor))) == "network/a ");
    CHECK(names("}K\x05" + tensor + "sN" + tensor + "s") == "5 1 ");
    CHECK(names("(K\1" + dict("a", tensor) + "t") == "1/a ");
    CHECK(names("](" + dict("a", tensor) + dict("a", tensor) + "e") == "0/a 1/a ");
    CHECK(names("}K\7" + dict("a", tensor) + "s") == "0/a ");
    CHECK_THAT(names(dict("a", "K\3")), Catch::EndsWith("no tensors found: no dictionary in the checkpoint contains one (keys: a)"));
    CHECK_THAT(names("}"), Catch::EndsWith("(keys: none)"));
    CHECK_THAT(names("}(" + text("epoch") + "K\3" + text("b\x1b[1m") + "K\3" + text(std::string(60, 'l')) + "K\3" + text("d") + "K\3" +
                     text("e") + "K\3" + text("f") + "K\3u"),
               Catch::EndsWith("(keys: epoch, b?[1m, " + std::string(48, 'l') + "..., d, ...)"));
    CHECK_THAT(names("K\3"), Catch::Contains("expected a dictionary of tensors, found an integer"));

    // Objects and modules that were saved whole.
    const std::string type = "cmy.net\nNet\n", empty = "}";
    const auto object = [&](const std::string& state) { return type + ")\x81" + state + "b"; };
    const auto module = [&](const std::string& parameters, const std::string& modules) {
        return object("}(" + text("training") + "\x89" + text("_parameters") + parameters + text("_buffers") + "}" + text("_modules") +
                      modules + "u");
    };
    const std::string inner = module(dict("weight", tensor), empty), outer = module(empty, dict("stage0", module(empty, dict("0", inner))));
    CHECK(names(outer) == "stage0.0.weight ");
    CHECK(names(dict("model", outer)) == "model/stage0.0.weight ");
    CHECK(names(dict("model", module(dict("w", tensor), dict("wrapped", inner)))) == "model/w model/wrapped.weight ");
    CHECK(names(type + ")\x81" + text("state_dict") + dict("a", tensor) + "s") == "state_dict/a ");
    CHECK(names(dict("holder", object("N}" + text("kept") + dict("a", tensor) + "s\x86"))) == "holder/kept/a ");
    CHECK_THAT(names(module(empty, empty)), Catch::Contains("no tensors found in an object of class my.net.Net: save model.state_dict()"));
    CHECK(names("}q\0("s + text("me") + "h\0"s + text("a") + tensor + "u") == "a ");

    // A short pickle must not produce many long names.
    std::string deep = dict("a", tensor);
    for (int i = 0; i < 100; ++i) deep = dict(std::string(20, 'k'), deep);
    CHECK_THAT(names(deep), Catch::Contains("path of a tensor is longer than 1024"));
    std::string chain = dict("a", tensor);
    for (int i = 0; i < 300; ++i) chain = object(chain);
    CHECK_THAT(names(chain), Catch::Contains("no tensors found"));  // deeper than the limit
    std::string many = "}" + text("t") + tensor + "q\1" + "s" + text(std::string(900, 'l')) + "}(";
    for (int i = 0; i < 2000; ++i) many += "\x8c\4" + std::to_string(1000 + i) + "h\1";
    CHECK_THAT(names(many + "us"), Catch::Contains("much longer than the pickle"));
    std::string again = "](}" + text("t") + "q\2" + tensor + "q\1" + "s";
    for (int i = 0; i < 3000; ++i) again += "}h\2h\1s";
    CHECK_THAT(names(again + "e"), Catch::Contains("the same tensors too many times"));
    CHECK_THAT(names("}(" + text("a") + tensor + text("a") + tensor + "u"), Catch::Contains("twice"));
}

TEST_CASE("zip files with zip64, with comments, and without padding") {
    zip_file z = zip_of({});
    z.zip64 = GENERATE(false, true);
    z.comment = GENERATE(""s, "PK\x05\x06 a comment that begins like the record itself"s, std::string(65535, 'c'));
    const std::string bytes = z.bytes();
    tensor_table t;
    const cvt::error e = read_bytes(bytes, t);
    INFO(e.what());
    REQUIRE_FALSE(e);
    CHECK(values(t, "w") == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("offsets, strides and shapes must stay inside their storage") {
    const auto good = [](handmade h, const std::vector<float>& expected) {
        const std::string bytes = zip_of(h).bytes();
        tensor_table t;
        const cvt::error e = read_bytes(bytes, t);
        INFO(e.what());
        REQUIRE_FALSE(e);
        CHECK(values(t, "w") == expected);
    };
    good({.offset = 1, .extents = {4, 2}, .strides = {1, 4}}, {1, 5, 2, 6, 3, 7, 4, 8});
    good({.offset = 11, .extents = {1}, .strides = {1}}, {11});
    good({.offset = 11, .extents = {1}, .strides = {INT64_MAX}}, {11});
    good({.offset = 12, .extents = {0}, .strides = {1}}, {});
    good({.extents = {}, .strides = {}}, {0});

    check_tensor_refused({.offset = 1}, errc::malformed, "w: extends past the end of its storage");
    check_tensor_refused({.strides = {4, 2}}, errc::malformed, "w: extends past the end of its storage");
    check_tensor_refused({.extents = {3, 5}}, errc::malformed, "w: extends past the end of its storage");
    check_tensor_refused({.offset = 12, .extents = {1}, .strides = {1}}, errc::malformed, "w: extends past the end");
    check_tensor_refused({.offset = 12, .extents = {}, .strides = {}}, errc::malformed, "w: extends past the end");
    check_tensor_refused({.offset = 13, .extents = {0}, .strides = {1}}, errc::malformed, "w: begins outside");
    check_tensor_refused({.offset = -1}, errc::malformed, "w: begins outside");
    check_tensor_refused({.extents = {3, -4}}, errc::malformed, "not a non-negative integer");
    check_tensor_refused({.strides = {-4, 1}}, errc::malformed, "not a non-negative integer");
    check_tensor_refused({.offset = INT64_MIN}, errc::malformed, "w: begins outside");
    check_tensor_refused({.extents = {INT64_MAX, INT64_MAX}, .strides = {INT64_MAX, INT64_MAX}}, errc::malformed, "w: ");
    check_tensor_refused({.extents = {1 << 20, 1 << 20}, .strides = {0, 0}}, errc::malformed, "w: has more elements");
    check_tensor_refused({.extents = {1 << 20, 1 << 20, 1 << 20, 1 << 20, 0}, .strides = {1, 1, 1, 1, 1}}, errc::malformed,
                         "w: its number of elements overflows");
    check_tensor_refused({.extents = {INT64_MAX, 4, 0}, .strides = {1, 1, 1}}, errc::malformed, "w: its number of elements overflows");
    check_tensor_refused({.extents = {3, 4}, .strides = {1}}, errc::malformed, "shape or strides are malformed");
    check_tensor_refused({.extents = std::vector<std::int64_t>(9, 1), .strides = std::vector<std::int64_t>(9, 1)}, errc::unsupported,
                         "8 dim");
    check_tensor_refused({.elements = 13}, errc::malformed, "w: its storage 0: expected 13 elements of 4 bytes, the zip entry has 48");
    check_tensor_refused({.elements = INT64_MAX, .offset = INT64_MAX / 2}, errc::malformed,
                         "w: its storage 0: expected 9223372036854775807");
    check_tensor_refused({.type = "DoubleStorage"}, errc::malformed, "w: its storage 0: expected 12 elements of 8 bytes");
    check_tensor_refused({.key = "1"}, errc::malformed, "w: its storage 1 is missing");
    check_tensor_refused({.key = "../data.pkl"}, errc::malformed, "is missing");
    check_tensor_refused({.key = std::string(5000, 'k')}, errc::malformed, "is missing");
    check_tensor_refused({.type = "ComplexFloatStorage"}, errc::unsupported, "torch.ComplexFloatStorage");
}

TEST_CASE("zip files that are damaged or not checkpoints are refused") {
    const zip_file good = zip_of({});
    const auto with = [&](auto&& change) {
        zip_file z = good;
        change(z);
        return z.bytes();
    };
    check_refused(with([](zip_file& z) { z.items[0].name = "a/data"; }), errc::unsupported, "no entry ends in /data.pkl");
    check_refused(with([](zip_file& z) { z.items[2].name = "b/data.pkl"; }), errc::malformed, "two entries end in /data.pkl");
    check_refused(with([](zip_file& z) { z.items[2].name = "a/data/0"; }), errc::malformed, "two entries are named a/data/0");
    check_refused(with([](zip_file& z) { z.items[1].method = 8; }), errc::unsupported, "w: zip: a/data/0 is compressed (method 8)");
    check_refused(with([](zip_file& z) { z.items[1].flags = 1; }), errc::unsupported, "a/data/0 is encrypted");
    check_refused(with([](zip_file& z) {
                      z.items[2] = {"a/byteorder", "big"};
                  }),
                  errc::unsupported, "byteorder: expected \"little\", found \"big\"");
    check_refused(with([](zip_file& z) {
                      z.items[2] = {"a/byteorder", "LITTLE"};
                  }),
                  errc::unsupported, "byteorder: expected \"little\", found \"LITTLE\"");
    check_refused(with([](zip_file& z) {
                      z.items[2] = {"a/byteorder", "little-endian"};
                  }),
                  errc::unsupported, "byteorder: expected \"little\", found \"little-endian\"");
    check_refused(with([](zip_file& z) { z.items[2].name = std::string(2000, 'n'); }), errc::unsupported,
                  "an entry name is longer than 1024");
    tensor_table t;
    const std::string little_endian = with([](zip_file& z) { z.items[2] = {"a/byteorder", "little"}; });
    CHECK_FALSE(read_bytes(little_endian, t));

    const std::string bytes = good.bytes();
    const std::size_t end = bytes.size() - 22;
    const auto patched = [&](std::size_t at, std::uint64_t value, int width) {
        std::string s = bytes;
        return s.replace(at, static_cast<std::size_t>(width), little(value, width));
    };
    check_refused(bytes + "x", errc::malformed, "directory is missing");
    check_refused(patched(end + 4, 1, 2), errc::unsupported, "several disks");
    check_refused(patched(end + 10, 2, 2), errc::malformed, "longer than its entries");
    check_refused(patched(end + 10, 0xFFFF, 2), errc::malformed, "more entries than its directory can hold");
    check_refused(patched(end + 12, 0x7FFFFFFF, 4), errc::malformed, "outside the file");
    check_refused(patched(end + 16, 0xFFFFFFFE, 4), errc::malformed, "outside the file");
    const std::size_t central = bytes.find("PK\x01\x02");
    check_refused(patched(central + 42, 0xFFFFFFF0, 4), errc::malformed, "a/data.pkl begins outside the file");
    check_refused(patched(central + 42, 1, 4), errc::malformed, "no header at the offset that the directory gives");
    check_refused(patched(central + 42, 0xFFFFFFFF, 4), errc::malformed, "damaged");  // in a missing zip64 field
    check_refused(patched(central + 24, 5, 4), errc::malformed, "two sizes");
    check_refused(patched(central + 28, 0xFFFF, 2), errc::malformed, "damaged");
    check_refused(patched(26, 0xFFFF, 2), errc::malformed, "a/data.pkl ends outside the file");
}

TEST_CASE("zip64 records that point outside the file are refused") {
    zip_file z = zip_of({});
    z.zip64 = true;
    const std::string bytes = z.bytes();
    const std::size_t locator = bytes.size() - 42, record = locator - 56, central = bytes.find("PK\x01\x02");
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 33, UINT64_MAX, UINT64_MAX - 30})
        for (const std::size_t at : {locator + 8, record + 32, record + 40, record + 48, central + 46 + 10 + 4, central + 46 + 10 + 20}) {
            INFO(value << " at " << at);
            tensor_table t;
            std::string s = bytes;
            s.replace(at, 8, little(value, 8));
            // Skips the first entry, whose header is at offset 0 already.
            if (value != 0 || at != central + 46 + 10 + 20) CHECK(read_bytes(s, t));
        }
    check_refused(std::string{bytes}.replace(central + 46 + 10 + 2, 2, little(8, 2)), errc::malformed, "damaged");
}

namespace {

const std::string magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", protocol = "\x80\x02M\xe9\x03.";

std::string system_info(bool little_endian) { return "\x80\x02}" + text("little_endian") + (little_endian ? "\x88" : "\x89") + "s."; }
std::string legacy(const std::string& object, const std::string& keys, const std::string& data) {
    return magic + protocol + system_info(true) + object + "\x80\x02](" + keys + "e." + data;
}

}  // namespace

TEST_CASE("legacy files: views of storages, and storages that do not fit") {
    const handmade view{.extents = {2, 2}, .strides = {2, 1}, .view = "(" + text("v") + number(5) + number(4) + "t"};
    const std::string data = little(12, 8) + twelve, bytes = legacy(view.object(), text("0"), data);
    tensor_table t;
    const cvt::error e = read_bytes(bytes, t);
    INFO(e.what());
    REQUIRE_FALSE(e);
    CHECK(values(t, "w") == std::vector<float>{5, 6, 7, 8});

    handmade outside = view;
    outside.offset = 1;
    check_refused(legacy(outside.object(), text("0"), data), errc::malformed, "w: extends past the end of its storage");
    const std::string object = handmade{}.object();
    check_refused(legacy(object, "", ""), errc::malformed, "w: its storage 0 is missing");
    check_refused(legacy(object, text("1"), data), errc::malformed, "storage 1 is listed but not used");
    check_refused(legacy(object, text("0") + text("0"), data + data), errc::malformed, "storage 0 is listed twice");
    check_refused(legacy(object, "K\x01", data), errc::malformed, "key is not a string");
    check_refused(legacy(object, text("0"), little(13, 8) + twelve), errc::malformed, "storage 0: expected 12 elements, the file has 13");
    check_refused(legacy(object, text("0"), little(UINT64_MAX, 8) + twelve), errc::malformed, "file has -1");
    check_refused(legacy(object, text("0"), data.substr(0, data.size() - 1)), errc::malformed, "storage 0: ends outside the file");
    check_refused(legacy(handmade{.elements = INT64_MAX}.object(), text("0"), little(INT64_MAX, 8) + twelve), errc::malformed,
                  "ends outside");
    check_refused(magic + protocol + system_info(false) + object, errc::unsupported, "big-endian files are not supported");
    check_refused(magic + protocol + "\x80\x02}.", errc::malformed, "byte order is missing");
    check_refused(magic + "\x80\x02M\xea\x03.", errc::unsupported, "protocol is not 1001");
    check_refused(magic + protocol + system_info(true) + object + "\x80\x02}.", errc::malformed, "list of storages");
}

TEST_CASE("a legacy file whose storages have long keys is refused before they are sorted") {
    const std::string key(1025, 'k'), data = little(12, 8) + twelve;
    const auto with = [&](const std::string& k) { return legacy(handmade{.key = k}.object(), text(k), data); };
    tensor_table t;
    CHECK_FALSE(read_bytes(with(key.substr(1)), t));
    check_refused(with(key), errc::unsupported, "a storage's key is longer than 1024 bytes");
}

TEST_CASE("a storage with two different descriptions is refused") {
    const auto tensor = [](const handmade& h) {
        const std::string w = h.object();
        return w.substr(3 + 6, w.size() - 3 - 6 - 2);
    };
    for (const handmade& other : {handmade{.type = "IntStorage"}, handmade{.elements = 13}}) {
        const std::string object = "\x80\x02}(" + text("a") + tensor({}) + text("b") + tensor(other) + "u.";
        check_refused(legacy(object, text("0"), little(12, 8) + twelve), errc::malformed, "storage 0 has two different descriptions");
    }
}

TEST_CASE("a file truncated at any byte is an error") {
    for (const char* file : {"mixed.pth", "mixed-legacy.pth", "mixed-protocol4.pth", "mixed-repacked.pth", "training.pth"}) {
        const std::string whole = bytes_of(file);
        REQUIRE(whole.size() > 1000);
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const std::string part = whole.substr(0, n);
            tensor_table t;
            INFO(file << " " << n);
            REQUIRE(read_bytes(part, t));
        }
    }
}

TEST_CASE("a file with any byte changed does no harm") {
    for (const char* file : {"mixed.pth", "mixed-legacy.pth", "mixed-protocol4.pth"}) {
        std::string bytes = bytes_of(file);
        REQUIRE(bytes.size() > 1000);
        for (std::size_t i = 0; i < bytes.size(); ++i)
            for (const char mask : {'\x01', '\xff'}) {
                bytes[i] = static_cast<char>(bytes[i] ^ mask);
                exercise(bytes);
                bytes[i] = static_cast<char>(bytes[i] ^ mask);
            }
    }
}
