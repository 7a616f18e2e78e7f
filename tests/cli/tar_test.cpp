// --tar: images in archives, as tar and WebDataset write them, and wrong headers.
#include <sys/stat.h>

#include <cstring>
#include <functional>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

std::string octal(std::uint64_t value, std::size_t width) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", static_cast<int>(width - 1), static_cast<unsigned long long>(value));
    return std::string{text} + '\0';
}

using change = std::function<void(std::string&)>;  // edits a header before its checksum is computed

std::string header(const std::string& name, std::uint64_t size, char type, const change& edit = {}) {
    std::string h(512, '\0');
    h.replace(0, std::min<std::size_t>(name.size(), 100), name.substr(0, 100));
    h.replace(100, 8, octal(0644, 8));
    h.replace(108, 8, octal(0, 8));
    h.replace(116, 8, octal(0, 8));
    h.replace(124, 12, octal(size, 12));
    h.replace(136, 12, octal(0, 12));
    h[156] = type;
    h.replace(257, 8,
              std::string{"ustar\0"
                          "00",
                          8});
    if (edit) edit(h);
    h.replace(148, 8, 8, ' ');
    std::uint64_t sum = 0;
    for (const char c : h) sum += static_cast<unsigned char>(c);
    h.replace(148, 7, octal(sum, 7));
    return h;
}

std::string padded(std::string data) {
    data.resize((data.size() + 511) / 512 * 512);
    return data;
}

std::string member(const std::string& name, const std::string& data, char type = '0', const change& edit = {}) {
    return header(name, data.size(), type, edit) + padded(data);
}

std::string pax(const std::string& key, const std::string& value) {
    std::size_t length = key.size() + value.size() + 3;
    length += std::to_string(length + std::to_string(length).size()).size();
    return std::to_string(length) + ' ' + key + '=' + value + '\n';
}

const std::string end_mark(1024, '\0');

struct archive {
    temporary_folder folder;
    std::string path = folder / "s.tar";
    std::string photo = read_file(write_png(folder / "photo.png", 40, 32));

    [[nodiscard]] outcome run(const std::string& bytes, std::vector<std::string> more = {}) const {
        std::ofstream{path, std::ios::binary} << bytes;
        std::vector<std::string> all{"--tar", "--size", "32", "--format", "jsonl", "--top-k", "1"};
        all.insert(all.end(), more.begin(), more.end());
        all.push_back(path);
        return classify(all);
    }
};

std::vector<std::string> field(const outcome& o, const char* name) {
    std::vector<std::string> all;
    for (const json& r : o.records()) all.push_back(r.value(name, ""));
    return all;
}

}  // namespace

TEST_CASE("images of a WebDataset shard get records with the key as id", "[cli]") {
    const archive a;
    const outcome o = a.run(member("000.png", a.photo) + member("000.cls", "7") + member("000.json", "{}") +
                            member("dir/001.seg.PNG", a.photo) + member("001.jpg", "broken") + member("dir/", "", '5') +
                            member("dir/._001.png", "AppleDouble") + member("002.png", a.photo, '\0') + end_mark);
    CHECK(o.code == 1);
    CHECK(field(o, "path") ==
          std::vector<std::string>{a.path + "/000.png", a.path + "/dir/001.seg.PNG", a.path + "/001.jpg", a.path + "/002.png"});
    CHECK(field(o, "id") == std::vector<std::string>{"000", "dir/001", "001", "002"});
    CHECK(o.records()[2].contains("error"));
    json alone = classify({"--size", "32", "--format", "jsonl", "--top-k", "1", a.folder / "photo.png"}).records()[0];
    CHECK(o.records()[0]["top"] == alone["top"]);
}

TEST_CASE("litter in an archive is skipped without a note", "[cli]") {
    const archive a;
    const outcome o = a.run(member("./._a.png", "AppleDouble") + member("./a.png", a.photo) + member("__MACOSX/._a.png", "AppleDouble") +
                            member("__MACOSX/b.png", a.photo) + member("dir/@eaDir/a.png/thumb.png", a.photo) +
                            member("dir/@EADIR/c.png", "") + member("._lone.jpg", "") + member("home/.cache/d.png", a.photo) + end_mark);
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    CHECK(field(o, "path") == std::vector<std::string>{a.path + "/./a.png", a.path + "/home/.cache/d.png"});
    CHECK(a.run(member("__MACOSX/b.png", a.photo) + end_mark)
              .records()
              .at(0)["error"]["message"]
              .get<std::string>()
              .ends_with("in this archive, found none"));

    std::filesystem::create_directory(a.folder / "shards");
    std::ofstream{a.folder / "shards/a.tar", std::ios::binary} << member("a.png", a.photo) + end_mark;
    std::ofstream{a.folder / "shards/._a.tar", std::ios::binary} << "AppleDouble";
    const outcome shards = classify({"--tar", "--size", "32", "--format", "jsonl", a.folder / "shards"});
    CHECK(shards.code == 0);
    CHECK(shards.err.empty());
    CHECK(field(shards, "path") == std::vector<std::string>{a.folder / "shards/a.tar/a.png"});
}

TEST_CASE("archives written by tar are read: ustar, pax and GNU, long names, from a file and from a pipe", "[cli]") {
    const temporary_folder folder;
    const std::string deep = std::string(90, 'd') + '/' + std::string(90, 'e'), name = std::string(200, 'n') + "\xC3\xA9.png";
    std::filesystem::create_directories(folder / ("in/" + deep));
    write_png(folder / ("in/" + deep + "/short.png"), 40, 32);
    write_png(folder / "in/caf\xC3\xA9.png", 40, 32);
    for (const char* format : {"ustar", "pax", "gnu", "oldgnu", "posix"}) {
        INFO(format);
        if (format == std::string{"pax"}) write_png(folder / ("in/" + deep + '/' + name), 40, 32);  // too long for ustar
        const std::string tar = folder / (std::string{format} + ".tar");
        REQUIRE(std::system(("cd '" + (folder / "in") + "' && tar --format=" + format + " -cf '" + tar + "' *").c_str()) == 0);
        std::vector<std::string> names{tar + "/caf\xC3\xA9.png", tar + '/' + deep + "/short.png"};
        if (format != std::string{"ustar"}) names.push_back(tar + '/' + deep + '/' + name);
        const outcome o = classify({"--tar", "--size", "32", "--format", "jsonl", tar});
        CHECK(o.code == 0);
        std::vector<std::string> found = field(o, "path");
        std::sort(found.begin(), found.end());
        std::sort(names.begin(), names.end());
        CHECK(found == names);
        std::string all;
        const std::string piped =
            "cat '" + tar + "' | " + shell_classify + " --tar --size 32 --format jsonl /dev/stdin > '" + (folder / "piped") + "'";
        CHECK(std::system(piped.c_str()) == 0);
        CHECK(lines_of(read_file(folder / "piped")).size() == names.size());
    }
}

TEST_CASE("images of an archive in a pipe are answered as they arrive, for any batch and number of workers", "[cli]") {
    const archive a;
    const std::string pipe = a.folder / "pipe.tar", next = member("2.png", a.photo);
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const std::pair<std::string, const char*> pieces[]{{member("0.png", a.photo), "0.png"},
                                                       {member("1.png", a.photo) + member("1.cls", "7"), "1.png"},
                                                       {next.substr(0, 100), nullptr},
                                                       {next.substr(100) + member("3.png", a.photo).substr(0, 700), "2.png"},
                                                       {member("3.png", a.photo).substr(700) + end_mark, "3.png"}};
    for (const char* workers : {"1", "2"}) {
        const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
        const running_classify run{{"--tar", "--size", "32", "--format", "jsonl", "--batch", "8", "--workers", workers, pipe}};
        for (const auto& [piece, name] : pieces) {
            REQUIRE(::write(writer, piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
            if (name != nullptr) CHECK(parse_json(run.read_line())["path"] == pipe + '/' + name);
        }
        ::close(writer);
        CHECK(run.read_output().empty());
    }
}

TEST_CASE("an archive's last image does not wait for the next archive's name, nor for its writer", "[cli]") {
    const archive a;
    const std::string pipe = a.folder / "pipe.tar", bytes = member("0.png", a.photo) + end_mark;
    std::ofstream{a.path, std::ios::binary} << bytes;
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    running_classify run{{"--tar", "--size", "32", "--format", "jsonl", "--batch", "8", "--workers", "2", "-", a.path}};
    run.write(a.path + '\n');
    CHECK(parse_json(run.read_line())["path"] == a.path + "/0.png");
    run.write(a.path + '\n' + pipe + '\n');
    run.close_input();
    CHECK(parse_json(run.read_line())["path"] == a.path + "/0.png");
    const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::write(writer, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CHECK(parse_json(run.read_line())["path"] == pipe + "/0.png");
    ::close(writer);
    CHECK(parse_json(run.read_line())["path"] == a.path + "/0.png");
    CHECK(run.wait() == 0);
}

TEST_CASE("archives come from folders and standard input; --shard and --resume apply to their images", "[cli]") {
    constexpr std::size_t images = 60;  // enough that no shard is empty, whatever the random name of the folder
    const archive a;
    std::string bytes;
    for (std::size_t i = 0; i < images; ++i) bytes += member(std::to_string(i) + ".png", a.photo) + member(std::to_string(i) + ".cls", "1");
    CHECK(a.run(bytes + end_mark).records().size() == images);
    std::size_t all = 0;
    for (const char* part : {"0/2", "1/2"}) {
        const std::size_t records = a.run(bytes + end_mark, {"--shard", part}).records().size();
        CHECK(records > 1);
        all += records;
    }
    CHECK(all == images);
    const std::string out = a.folder / "out.jsonl";
    const std::vector<std::string> resumed{"--tar", "--size", "32", "--format", "jsonl", "--out", out, "--resume", "-"};
    CHECK(classify(resumed, a.path + '\n').code == 0);
    const std::string whole = read_file(out);
    std::ofstream{out, std::ios::binary} << whole.substr(0, whole.size() / 2);
    CHECK(classify(resumed, a.path + '\n').code == 0);
    CHECK(lines_of(read_file(out)).size() == images);

    std::filesystem::create_directory(a.folder / "shards");
    for (const char* name : {"b.tar", "a.TAR"}) std::filesystem::copy_file(a.path, (a.folder / "shards") + "/" + name);
    const outcome folder = classify({"--tar", "--size", "32", "--format", "jsonl", a.folder / "shards"});
    CHECK(folder.code == 0);
    REQUIRE(folder.records().size() == 2 * images);
    CHECK(folder.records()[0]["path"] == (a.folder / "shards") + "/a.TAR/0.png");
    const outcome none = classify({"--tar", "--format", "jsonl", a.folder / "none.tar", CVT_WEIGHTS});
    CHECK(none.code == 1);
    CHECK(none.records().size() == 2);
}

TEST_CASE("a truncated archive, as file or pipe, gives one record, and --resume redoes its last image", "[cli]") {
    const archive a;
    const std::string whole = member("a.png", a.photo) + member("b.png", a.photo) + end_mark, bytes = a.folder / "bytes",
                      out = a.folder / "out";
    const auto run = [&](const std::string& archive, bool piped) {
        std::ofstream{piped ? bytes : a.path, std::ios::binary} << archive;
        const std::string command = " --tar --size 32 --format jsonl --out '" + out + "' --resume ";
        const int status = std::system(piped ? ("cat '" + bytes + "' | " + shell_classify + command + "/dev/stdin 2>/dev/null").c_str()
                                             : (shell_classify + command + "'" + a.path + "' 2>/dev/null").c_str());
        return WEXITSTATUS(status);
    };
    for (const bool piped : {false, true}) {
        CAPTURE(piped);
        std::filesystem::remove(out);
        const std::string path = piped ? "/dev/stdin" : a.path;
        CHECK(run(whole.substr(0, 512 + padded(a.photo).size() + 512 + 20), piped) == 1);
        std::vector<std::string> records = lines_of(read_file(out));
        REQUIRE(records.size() == 2);
        CHECK(parse_json(records[1])["path"] == path);
        CHECK(run(whole, piped) == 0);
        records = lines_of(read_file(out));
        REQUIRE(records.size() == 3);
        CHECK(parse_json(records[2])["path"] == path + "/b.png");
        CHECK(parse_json(records[2]).contains("top"));
    }
}

TEST_CASE("a wrong header gives one record with an error for the archive, after the records of the images before it", "[cli]") {
    const archive a;
    const std::string good = member("a.png", a.photo), after = member("z.png", a.photo) + end_mark;
    const auto bad_size = [](const std::string& text) {
        return [text](std::string& h) { h.replace(124, 12, (text + std::string(12, '\0')).substr(0, 12)); };
    };
    std::string flipped = member("b.png", a.photo);
    flipped[3] = static_cast<char>(flipped[3] ^ 1);
    const std::string long_text(3 << 20, 'x');
    const std::pair<std::string, const char*> cases[]{
        {"", "truncated"},
        {member("b.png", a.photo).substr(0, 100), "truncated"},
        {header("b.png", 1000, '0') + "too short", "expected 1000 bytes of data and 24 of padding, found only 9 bytes"},
        {header("b.txt", 1000, '0') + "too short", "found only 9 bytes"},
        {flipped + after, "wrong checksum"},
        {std::string(512, 'x') + after, "wrong checksum"},
        {header("b.png", 0, '0', bad_size("77777777777")) + after, "of padding, found only"},
        {header("b.png", 0, '0', bad_size("0000000012x")) + after, "the size is not a number"},
        {header("b.png", 0, '0', bad_size(std::string(12, ' '))) + after, "the size is not a number"},
        {header("b.png", 0, '0', bad_size("-0000000001")) + after, "the size is not a number"},
        {header("b.png", 0, '0', bad_size(std::string(12, '\xFF'))) + after, "the size is not a number"},
        {header("b.png", 0, '0', bad_size('\x80' + std::string(11, '\xFF'))) + after, "the size is not a number"},
        {header("b.png", 0, '0', bad_size('\x80' + std::string(3, '\0') + std::string(1, '\x3F') + std::string(7, '\xFF'))) + after,
         "of padding, found only"},
        {member("x", pax("path", "b.png") + "9 ab", 'x') + after, "pax record"},
        {member("x", "99 path=b.png\n", 'x') + after, "pax record"},
        {member("x", "0 path=b.png\n", 'x') + after, "pax record"},
        {member("x", "99999999999999999999999 path=b\n", 'x') + after, "pax record"},
        {member("x", "9 path.b\n", 'x') + after, "keyword"},
        {member("x", pax("path", std::string("b\0.png", 6)), 'x') + after, "NUL"},
        {member("x", pax("size", "18446744073709551615"), 'x') + after, "pax size"},
        {member("x", pax("size", "-1"), 'x') + after, "pax size"},
        {member("x", pax("size", "4611686018427387903"), 'x') + after, "of padding, found only"},
        {member("x", pax("GNU.sparse.major", "1"), 'x') + after, "sparse"},
        {member("x", pax("path", "all.png"), 'g') + after, "global"},
        {member("b.png", a.photo, 'S') + after, "sparse"},
        {member("b.png", a.photo, 'M') + after, "several volumes"},
        {member("x", long_text, 'L') + after, "limit of 1 MiB"},
        {member("x", long_text, 'x') + after, "limit of 1 MiB"},
        {member("x", pax("path", "b.png"), 'x') + end_mark, "expected a member after its extended header"},
        {header("", 0, '0') + after, "name of a member is empty"},
        {std::string(512, '\0') + after, "expected two blocks of zeros"},
        {end_mark + good + end_mark, "data after the end"},
    };
    for (const auto& [bytes, sentence] : cases) {
        const outcome o = a.run(good + bytes);
        INFO(sentence << '\n' << o.out.substr(0, 2000));
        CHECK(o.code == 1);
        const auto records = o.records();
        REQUIRE(records.size() == 2);
        CHECK(records[0]["path"] == a.path + "/a.png");
        CHECK(records[0].contains("top"));
        CHECK(records[1]["path"] == a.path);
        CHECK(records[1]["error"]["message"].get<std::string>().find(sentence) != std::string::npos);
    }
}

TEST_CASE("a compressed archive is refused with the way out", "[cli]") {
    const archive a;
    for (const char* begin : {"\x1F\x8B", "BZh9",
                              "\xFD"
                              "7zXZ",
                              "\x28\xB5\x2F\xFD"}) {
        const outcome o = a.run(begin + std::string(600, 'x'));
        CHECK(o.code == 1);
        CHECK(o.records().at(0)["error"]["code"] == "unsupported");
        CHECK(o.records().at(0)["error"]["message"].get<std::string>().find("zcat FILE | classify --tar /dev/stdin") != std::string::npos);
    }
}

TEST_CASE("links and devices with image names are errors, not skipped", "[cli]") {
    const archive a;
    const std::string links = header("hard.png", 0, '1') + header("soft.png", 5, '2') + header("device.png", 0, '3');
    const outcome o = a.run(links + member("a.png", a.photo) + end_mark);
    CHECK(o.code == 1);
    const auto records = o.records();
    REQUIRE(records.size() == 4);
    for (std::size_t i : {0U, 1U, 2U}) CHECK(records[i]["error"]["code"] == "unsupported");
    CHECK(records[3].contains("top"));
    const outcome none = a.run(member("a.txt", "x") + end_mark);
    CHECK(none.code == 1);
    CHECK(none.records()[0]["error"]["message"] == "expected .jpg, .png, .webp or other pictures in this archive, found none");
}

TEST_CASE("pax and GNU headers apply to the next member only", "[cli]") {
    const archive a;
    const std::string name(300, 'n');
    const outcome o =
        a.run(member("g", pax("comment", "hi"), 'g') + member("x", pax("path", name + ".png") + pax("mtime", "1.5"), 'x') +
              member("cut.txt", a.photo) + member("b.png", a.photo) + member("L", name + "2.png" + '\0', 'L') + member("cut.txt", a.photo) +
              member("x", pax("size", std::to_string(a.photo.size())), 'x') + header("c.png", 0, '0') + padded(a.photo) +
              member("d.png", a.photo, '0', [](std::string& h) { h.replace(345, 4, "pre1"); }) + end_mark + std::string(8192, '\0'));
    CHECK(o.code == 0);
    CHECK(field(o, "path") == std::vector<std::string>{a.path + '/' + name + ".png", a.path + "/b.png", a.path + '/' + name + "2.png",
                                                       a.path + "/c.png", a.path + "/pre1/d.png"});
}
