<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="pl" sourcelanguage="en">
<context>
    <name>egopose</name>
    <message>
        <source>Nothing open yet</source>
        <translation>Nic nie jest otwarte</translation>
    </message>
    <message>
        <source>{one} before {other}</source>
        <translation>{other} po {one}</translation>
    </message>
    <message>
        <source>Opening {name} …</source>
        <translation>Otwieranie {nazwa} …</translation>
    </message>
    <message numerus="yes">
        <source>{n} gap</source>
        <translation>
            <numerusform>{n} luka</numerusform>
            <numerusform>{n} luki</numerusform>
            <numerusform>{n} luk</numerusform>
        </translation>
    </message>
</context>
</TS>
