"""The end of marketing mail."""

from __future__ import annotations

from autoloop.mail.footer import with_footer

URL = "https://mail.example.com/t/abc"
POSTAL = "Analytical Engines <Ltd>\n1 Main Street\nLondon"


def test_address_and_link_are_added_inside_the_body() -> None:
    html, text = with_footer(
        "<html><body><p>Hi</p></body></html>", "Hi\n", postal_address=POSTAL, unsubscribe_url=URL
    )
    assert html is not None
    assert html.endswith("</div></body></html>")
    assert "Analytical Engines &lt;Ltd&gt;<br>1 Main Street<br>London" in html
    assert f'href="{URL}"' in html
    assert text.endswith(f"Analytical Engines <Ltd>, 1 Main Street, London\nUnsubscribe: {URL}\n")


def test_what_the_template_placed_itself_is_not_repeated() -> None:
    own = f'<p><a href="{URL}">Bye</a> Analytical Engines &lt;Ltd&gt;</p>'
    html, text = with_footer(own, f"Bye: {URL}", postal_address=POSTAL, unsubscribe_url=URL)
    assert html == own
    assert text.count(URL) == 1


def test_without_a_body_tag_it_goes_to_the_end() -> None:
    html, _ = with_footer("<p>Hi</p>", "Hi", postal_address="", unsubscribe_url=URL)
    assert html is not None
    assert html.startswith("<p>Hi</p><div")
