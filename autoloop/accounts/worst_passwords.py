"""Passwords of ten characters and more that guessing programs try first."""

from __future__ import annotations

__all__ = ["WORST"]

WORST = frozenset(
    """
    0123456789 0987654321 1029384756 1111111111 1212121212 1234512345 123456123456 1234567890 12345678900
    123456789a 123456789q 1234567891 12345678910 1234567899 123456789123 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc
    147258369147 159753456852 9876543210 a123456789 aa12345678 aa123456789 abcd123456 abcd1234567 abcdefghij
    abcdefghijk administrator admin12345 admin123456 adminadmin asdfasdfasdf asdfghjkl1 asdfghjkl123 asdfghjkl;
    asdfghjklqwerty autoloop123 autoloopautoloop basketball baseball123 bismillah123 changeme12 changeme123
    charlie123 chocolate123 computer123 dragon1234 dragondragon facebook123 football123 footballfootball
    iloveyou12 iloveyou123 iloveyou1234 iloveyouiloveyou letmein123 letmeinletmein liverpool1 liverpool123
    loveyou123 manchester manchester1 master1234 michael123 minecraft123 monkey1234 mypassword mypassword1
    mypassword123 p@ssw0rd12 p@ssw0rd123 p@ssword123 pa$$w0rd123 passw0rd12 passw0rd123 password00 password01
    password10 password11 password12 password123 password123! password1234 password12345 password123456 password2024
    password2025 password2026 password21 password99 passwordpassword pokemon123 princess12 princess123 q1w2e3r4t5
    q1w2e3r4t5y6 qazwsxedc1 qazwsxedc123 qazwsxedcrfv qwer123456 qwerasdfzxcv qwertasdfg qwerty12345 qwerty123456
    qwerty1234567 qwertyqwerty qwertyui123 qwertyuiop qwertyuiop1 qwertyuiop123 qwertyuiop[] secret1234 secretsecret
    shadow1234 spiderman123 starwars123 sunshine12 sunshine123 superman12 superman123 superman1234
    testing123 testtest12 testtest123 trustno1trustno1 unknown123 welcome123 welcome1234 welcome12345 whatever123
    zaq12wsxcde3 zaq1zaq1zaq1 zxcvbnm123 zxcvbnm1234 zxcvbnm12345 zxcvbnmasd correcthorsebatterystaple
    """.split()  # noqa: SIM905 - a list of this length is easier to read as text
)
