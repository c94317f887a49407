"""Lone surrogates are replaced wherever text is read; secrets masked where it is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.errors import InputError
from components.shared.files.text import expect_utf8, mask_addresses, parse_json, replace_surrogates

any_text = st.text(st.characters())  # lone surrogates too
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ud800\ud83d\ude00\udfff", "\ufffd😀\ufffd"),
        ("é😀\ufffd", "é😀\ufffd"),
    ],
)
def test_each_half_of_a_pair_is_replaced_and_pairs_are_joined(text, replaced):
    """One character for one, so that offsets stay; the halves of a pair are one character."""
    assert replace_surrogates(text) == replaced
    assert replace_surrogates([{text: [text, 1, None]}]) == [{replaced: [replaced, 1, None]}]


@given(any_json)
def test_json_is_parsed_into_text_that_utf8_holds(value):
    """Escaped or as bytes: nothing but surrogates changes."""
    escaped = json.dumps(value)
    plain = json.dumps(value, ensure_ascii=False)

    for content in (escaped, escaped.encode(), plain, plain.encode("utf-8", "surrogatepass")):
        parsed = parse_json(content)

        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
        assert parsed == replace_surrogates(json.loads(content))
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert parse_json(escaped.encode(encoding)) == parse_json(escaped)


def test_bytes_in_another_encoding_are_not_json():
    """They are an error: replacing them would lose every accent."""
    with pytest.raises(UnicodeDecodeError):
        parse_json('"é"'.encode("latin-1"))


def test_an_argument_that_is_not_utf8_is_an_input_error():
    """Python passes its bytes on as surrogates."""
    expect_utf8(["--question", "Où?"])

    with pytest.raises(InputError, match=r"the argument 'a�\.xml' is not UTF-8; type it in UTF-8"):
        expect_utf8(["--dump", b"a\xff.xml".decode("utf-8", "surrogateescape")])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://a.b/c", "https://a.b/c"),
        ("https://me:pw@a.b/c, s3://k@b/x", "https://***@a.b/c, s3://***@b/x"),
        ("http://me:p@w@a.b", "http://***@a.b"),
        ("got 'https://a.b/c?sig=x&y=1'; see", "got 'https://a.b/c?***'; see"),
        ("(host='a.b'): with url: /c?sig=x (Caused", "(host='a.b'): with url: /c?*** (Caused"),
        ("ftp://me:pw@a.b/c?sig=x", "ftp://***@a.b/c?***"),
        ("at https://a.b/c?sig=x;y: check it", "at https://a.b/c?***: check it"),
        ("s3://bucket/what?.bz2", "s3://bucket/what?.bz2"),
        ("is it so? write to a@b.c", "is it so? write to a@b.c"),
    ],
)
def test_secrets_in_addresses_are_masked(text, masked):
    """In a URL and in what libraries make of it; a bucket's pattern has no query."""
    assert mask_addresses(text) == masked
