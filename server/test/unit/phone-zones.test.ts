/** Where most people of each area code live, for countries with several zones, and of countries that are easily mixed up. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { findZones } from '../../src/domain/local-time.ts';

/** Prefixes by a zone whose clock their people's numbers have; where a territory has its own, its name. */
const PEOPLE: Readonly<Record<string, string>> = {
  'America/New_York':
    '1201 1202 1203 1207 1212 1215 1216 1220 1223 1227 1229 1231 1234 1239 1240 1248 1252 1260 1267 1269 1272 1276 1283 1301 1302 1304 1305 1313 1315 1317 1321 1324 1326 1329 1330 1332 1336 1339 1347 1351 1352 1363 1380 1386 1401 1404 1407 1410 1412 1413 1419 1423 1434 1436 1440 1443 1445 1463 1465 1470 1472 1475 1478 1484 1502 1508 1513 1516 1517 1518 1540 1551 1561 1567 1570 1571 1574 1582 1585 1586 1603 1606 1607 1609 1610 1614 1616 1617 1624 1631 1640 1645 1646 1656 1667 1678 1679 1680 1681 1686 1689 1703 1704 1706 1716 1717 1718 1724 1727 1728 1732 1734 1740 1743 1754 1757 1762 1765 1770 1771 1772 1774 1781 1786 1802 1803 1804 1810 1812 1813 1814 1821 1826 1828 1835 1838 1839 1843 1845 1848 1854 1856 1857 1859 1860 1862 1863 1864 1865 1878 1904 1906 1908 1910 1912 1914 1917 1919 1929 1930 1934 1937 1941 1943 1947 1948 1954 1959 1973 1978 1980 1984 1989',
  'America/Chicago':
    '1205 1210 1214 1217 1218 1219 1224 1225 1228 1235 1251 1254 1256 1262 1270 1274 1281 1308 1309 1312 1314 1316 1318 1319 1320 1325 1327 1331 1334 1337 1346 1353 1361 1364 1402 1405 1409 1414 1417 1430 1432 1447 1448 1457 1464 1469 1479 1483 1501 1504 1507 1512 1515 1531 1534 1539 1557 1563 1572 1573 1580 1601 1605 1608 1612 1615 1618 1620 1629 1630 1636 1641 1651 1659 1660 1662 1682 1701 1708 1712 1713 1715 1726 1730 1731 1737 1763 1769 1773 1779 1785 1806 1815 1816 1817 1830 1832 1847 1850 1861 1870 1872 1901 1903 1913 1918 1920 1924 1931 1936 1938 1940 1945 1952 1956 1972 1975 1979 1985',
  'America/Denver':
    '1208 1303 1307 1385 1406 1435 1505 1575 1719 1720 1748 1801 1915 1970 1983 1986',
  'America/Phoenix': '1480 1520 1602 1623 1928',
  'America/Los_Angeles':
    '1206 1209 1213 1253 1279 1310 1323 1341 1350 1357 1360 1369 1408 1415 1424 1425 1442 1458 1503 1509 1510 1530 1541 1559 1562 1564 1619 1626 1628 1650 1657 1661 1669 1702 1707 1714 1725 1738 1747 1760 1775 1805 1818 1820 1831 1837 1840 1858 1909 1916 1925 1949 1951 1971',
  'America/Anchorage': '1907',
  'Pacific/Honolulu': '1808',
  'America/Puerto_Rico': '1787 1939',
  'America/Toronto':
    '1226 1249 1263 1289 1343 1354 1365 1367 1382 1416 1418 1437 1438 1450 1468 1514 1519 1548 1579 1581 1613 1647 1683 1705 1742 1753 1807 1819 1873 1905 1942',
  'America/Winnipeg': '1204 1431 1584',
  'America/Regina': '1306 1474 1639',
  'America/Edmonton': '1368 1403 1587 1780 1825',
  'America/Vancouver': '1236 1250 1257 1604 1672 1778',
  'America/Halifax': '1428 1506 1782 1902',
  'America/St_Johns': '1709 1879',
  'America/Whitehorse': '1867',
  'America/Sao_Paulo':
    '5511 5512 5513 5514 5515 5516 5517 5518 5519 5521 5522 5524 5527 5528 5531 5532 5533 5534 5535 5537 5538 5541 5542 5543 5544 5545 5546 5547 5548 5549 5551 5553 5554 5555 5561 5562 5563 5564 5571 5573 5574 5575 5577 5579 5581 5582 5583 5584 5585 5586 5587 5588 5589 5591 5593 5594 5596 5598 5599',
  'America/Manaus': '5565 5566 5567 5569 5592 5595 5597',
  'America/Rio_Branco': '5568',
  'America/Mexico_City':
    '52 5255 5281 5233 52222 52442 52449 52461 52477 52614 52625 52627 52628 52629 52635 52636 52639 52648 52649 52652 52659 52621 52618 52871 52844 52999 52322 52329 52981 52993 52961 52951 52744 52722 52777 52443',
  'America/Cancun': '52983 52984 52987 52998',
  'America/Mazatlan':
    '52311 52323 52324 52325 52389 52612 52613 52624 52667 52668 52669 52672 52673 52687 52694 52695 52696 52697 52698 52662 52644 52642 52622 52631 52633 52637 52638 52653 52645 52647',
  'America/Tijuana': '52616 52646 52658 52661 52663 52664 52665 52686',
  'America/Ciudad_Juarez': '52656',
  'America/Matamoros': '52867 52868 52878 52899 52894 52897',
  'Europe/Moscow':
    '7495 7499 7812 7831 7843 7844 7863 7861 7865 7870 7871 7872 7877 7878 7879 7811 7814 7815 7816 7817 7818 7820 7821 7833 7834 7835 7836 7841 7847 7855 7856 7862 7866 7867 7869 7900 7916 7925 7999 7471 7472 7473 7474 7475 7481 7482 7483 7484 7485 7486 7487 7491 7492 7493 7494 7496 7498',
  'Europe/Kaliningrad': '7401',
  'Europe/Samara': '7341 7842 7845 7846 7848 7851',
  'Asia/Yekaterinburg': '7342 7343 7345 7346 7347 7349 7351 7352 7353 7355',
  'Asia/Omsk': '7381',
  'Asia/Novosibirsk': '7382 7383 7384 7385 7388',
  'Asia/Krasnoyarsk': '7390 7391 7394',
  'Asia/Irkutsk': '7301 7395',
  'Asia/Yakutsk': '7302 7411 7416',
  'Asia/Vladivostok': '7421 7423 7426',
  'Asia/Sakhalin': '7424 7413',
  'Asia/Kamchatka': '7415 7427',
  'Asia/Almaty':
    '77 7701 7702 7705 7707 7727 7717 7747 7771 7777 7710 7711 7712 7713 7714 7715 7716 7718 7721 7722 7723 7724 7725 7726 7728 7729',
  'Australia/Sydney': '61 612 613 614 61412 61498',
  'Australia/Brisbane': '617',
  'Australia/Perth': '6186 6189',
  'Asia/Jakarta':
    '62 6221 6222 6224 6227 6231 62274 62341 6261 62751 62711 62561 62811 62812 62813 62815 62821 62851 62857 62878 62895',
  'Asia/Makassar': '62361 62370 62380 62411 62431 62451 62401 62511 62541 62542 62551 62435 62426',
  'Asia/Jayapura': '62911 62967 62986 62981 62951',
  'Europe/Madrid': '34 3491 3493 346 347 34600',
  'Atlantic/Canary': '34928 34922 34828 34822',
  'Europe/Lisbon': '351 35121 35122 35191 35192 35193 35196 351291',
  'Atlantic/Azores': '351292 351295 351296',
  'America/Santiago': '56 562 569 5641',
  'Pacific/Easter': '56322100123 56322551234',
  'America/Guayaquil': '593 5932 5939 5934',
  'Africa/Kinshasa': '243 2431 2438 24381 24382 24384 24389 2439 24399 24397',
  'Africa/Lubumbashi': '2432',
  'Asia/Ulaanbaatar': '976 97611 97688 97699 97695',
  'Pacific/Tarawa': '686 68672 68673',
  'Pacific/Tahiti': '689 68987 68989',
  'Pacific/Pohnpei': '691 69192',
  'Pacific/Chuuk': '69193',
  'America/Nuuk': '299 2993 2994 2995',
  'Indian/Reunion': '262 262262 262692 262693',
  'Indian/Mayotte': '262269 262639',
  'America/Guadeloupe': '590 590690',
  'America/Martinique': '596',
  'America/Cayenne': '594',
  'America/Miquelon': '508',
  'Pacific/Noumea': '687',
  'Pacific/Wallis': '681',
  'Pacific/Auckland': '64 6421 6427 6434 643',
  'Europe/London': '44 447 447911 4420',
  'Europe/Dublin': '353 35387',
  'America/Curacao': '599 5999',
  'America/Argentina/Buenos_Aires': '54 5411 549',
  'Africa/Casablanca': '212 212661',
  'Africa/Algiers': '213 213661',
  'Africa/Tripoli': '218',
  'Africa/Juba': '211',
  'Asia/Gaza': '970',
  'Europe/Minsk': '375',
  'Asia/Nicosia': '357',
  'Europe/Tallinn': '372',
  'Europe/Riga': '371',
  'Europe/Vilnius': '370',
  'Asia/Pyongyang': '850',
  'Africa/Monrovia': '231',
  'Africa/Bissau': '245',
  'Asia/Tehran': '98',
  'Africa/Cairo': '20',
  'Europe/Istanbul': '90',
  'Asia/Amman': '962',
  'Asia/Damascus': '963',
  'America/Asuncion': '595',
  'Africa/Khartoum': '249',
  'Africa/Sao_Tome': '239',
  'Pacific/Apia': '685',
  'Pacific/Fiji': '679',
  'Pacific/Tongatapu': '676',
  'Pacific/Norfolk': '672',
  'Asia/Beirut': '961',
  'Asia/Jerusalem': '972',
  'Asia/Kathmandu': '977',
  'Asia/Yangon': '95',
  'Asia/Kabul': '93',
  'Asia/Dili': '670',
  'Pacific/Fakaofo': '690',
  'America/Havana': '53',
  'America/Caracas': '58',
  'America/Grand_Turk': '1649',
  'Atlantic/Bermuda': '1441',
  'America/Nassau': '1242',
  'America/Jamaica': '1876 1658',
  'America/Santo_Domingo': '1809 1829 1849',
  'America/Lower_Princes': '1721',
  'Europe/Helsinki': '358 35840',
  'Europe/Oslo': '47 474',
  'Arctic/Longyearbyen': '4779',
  'Europe/Rome': '39 393',
  'Europe/Simferopol': '7365 7978',
  'Asia/Tbilisi': '995',
  'Asia/Baku': '994',
  'Asia/Yerevan': '374',
  'Asia/Tashkent': '998',
  'Asia/Bishkek': '996',
  'Asia/Dushanbe': '992',
  'Asia/Ashgabat': '993',
};

/** Minutes ahead of UTC in January and in July. */
function clockOf(zone: string): readonly number[] {
  return [0, 6].map((month) => {
    const at = new Date(Date.UTC(2026, month, 15, 12));
    const shown = new Date(`${at.toLocaleString('sv', { timeZone: zone }).replace(' ', 'T')}Z`);
    return (shown.getTime() - at.getTime()) / 60_000;
  });
}

it.each(Object.entries(PEOPLE))('%s is the clock of its people', (zone, prefixes) => {
  const wrong = prefixes
    .split(' ')
    .map((prefix) => [prefix, findZones(`+${prefix}`)[0]] as const)
    .filter(([, found]) => clockOf(found).join() !== clockOf(zone).join());
  expect(wrong).toEqual([]);
});

it.each([
  ['+19075550100', 'America/Anchorage'],
  ['+19072690100', 'America/Anchorage'],
  ['+19075920100', 'America/Adak'],
  ['+558130000000', 'America/Recife'],
  ['+5581999990000', 'America/Recife'],
  ['+5591999990000', 'America/Belem'],
  ['+17095550100', 'America/St_Johns'],
  ['+17098960100', 'America/Halifax'],
  ['+12195550100', 'America/Chicago'],
  ['+526141234567', 'America/Chihuahua'],
  ['+526641234567', 'America/Tijuana'],
  ['+5216641234567', 'America/Tijuana'],
  ['+5219981234567', 'America/Cancun'],
  ['+5215512345678', 'America/Mexico_City'],
  ['+61882100000', 'Australia/Adelaide'],
  ['+61889410000', 'Australia/Darwin'],
  ['+61730000000', 'Australia/Brisbane'],
  ['+212661000000', 'Africa/Casablanca'],
  ['+213550000000', 'Africa/Algiers'],
  ['+74012000000', 'Europe/Kaliningrad'],
  ['+34928000000', 'Atlantic/Canary'],
  ['+351295000000', 'Atlantic/Azores'],
  ['+56322100123', 'Pacific/Easter'],
  ['+56322500000', 'America/Santiago'],
  ['+243810000000', 'Africa/Kinshasa'],
  ['+262692000000', 'Indian/Reunion'],
  ['+262639000000', 'Indian/Mayotte'],
])('%s lives in %s', (number, zone) => {
  expect(findZones(number)[0]).toBe(zone);
});

/** Numbers that do not tell in which zone of their country they are, and the zones that they may be in, by clock. */
const ANYWHERE: Readonly<Record<string, string>> = {
  'Europe/Moscow Europe/Kaliningrad Europe/Samara Asia/Yekaterinburg Asia/Omsk Asia/Novosibirsk Asia/Irkutsk Asia/Yakutsk Asia/Vladivostok Asia/Magadan Asia/Kamchatka':
    '79161234567 79001234567 79991234567 79781234567 78001234567 78091234567',
  'America/Chicago America/New_York America/Denver America/Los_Angeles America/Anchorage Pacific/Honolulu America/Adak America/St_Johns America/Halifax':
    '18005550100 18885550100 18335550100 15005550100 15225550100 16005550100 19005550100',
  'Australia/Sydney Australia/Brisbane Australia/Adelaide Australia/Darwin Australia/Perth Australia/Lord_Howe':
    '61412345678 61498765432 611300123456 611800123456',
  'Asia/Jakarta Asia/Makassar Asia/Jayapura':
    '628111234567 628121234567 62852123456 6281512345678 62895123456 62800123456',
  'America/Mexico_City America/Tijuana America/Mazatlan America/Cancun America/Ciudad_Juarez':
    '528001234567 529001234567',
  'America/Sao_Paulo America/Manaus America/Rio_Branco America/Noronha':
    '558001234567 5540041234 5530031234',
  'Africa/Kinshasa Africa/Lubumbashi': '243812345678 243991234567 243841234567',
  'Asia/Ulaanbaatar Asia/Hovd': '97688112233 97699112233 97695112233',
  'America/Santiago America/Punta_Arenas Pacific/Easter': '56912345678 56987654321',
  'Europe/Madrid Atlantic/Canary': '34612345678 34712345678',
  'Europe/Lisbon Atlantic/Azores': '351912345678 351961234567',
  'America/Guayaquil Pacific/Galapagos': '593991234567',
  'Pacific/Auckland Pacific/Chatham': '64211234567 64271234567',
  'America/Nuuk America/Scoresbysund America/Thule': '299251234 299551234 299481234',
  'Pacific/Tahiti Pacific/Marquesas Pacific/Gambier': '68987123456 68989123456',
  'Pacific/Tarawa Pacific/Kanton Pacific/Kiritimati': '68672012345 68673012345',
  'Pacific/Port_Moresby Pacific/Bougainville': '67570123456',
  'Pacific/Pohnpei Pacific/Chuuk': '6915123456',
  'America/Chicago America/New_York': '18505550100 14485550100 12705550100',
  'America/New_York America/Chicago': '18125550100 19305550100 14235550100 19065550100',
  'America/Chicago America/Denver': '16055550100 17015550100 13085550100 16205550100',
  'America/Boise America/Los_Angeles': '12085550100 19865550100',
  'America/Los_Angeles America/Boise': '15415550100 14585550100 17755550100',
  'America/Phoenix America/Denver': '19285550100',
  'America/Vancouver America/Edmonton': '12505550100 17785550100 12365550100',
  'America/Toronto America/Halifax': '14185550100 15815550100',
  'America/Toronto America/Winnipeg': '18075550100',
  'America/Regina America/Edmonton': '13065550100 16395550100',
  'America/Whitehorse America/Edmonton America/Winnipeg America/Toronto': '18675550100',
  'America/Manaus America/Rio_Branco': '5592991234567 5597991234567',
  'Asia/Yakutsk Asia/Vladivostok Asia/Srednekolymsk': '74112123456',
  'Asia/Hebron Asia/Jerusalem': '972591234567 972561234567',
};

it.each(Object.entries(ANYWHERE))('%s: all of them', (zones, numbers) => {
  const wanted = new Set(zones.split(' ').map((zone) => clockOf(zone).join()));
  for (const number of numbers.split(' ')) {
    const [principal, ...others] = findZones(`+${number}`);
    const found = [principal, ...others].map((zone) => clockOf(zone).join());
    expect([number, ...[...wanted].filter((clock) => !found.includes(clock))]).toEqual([number]);
    expect([number, found[0]]).toEqual([number, [...wanted][0]]);
  }
});

it.each([
  '+77011234567',
  '+491711234567',
  '+5511999990000',
  '+12125550100',
  '+13105550100',
  '+61730000000',
  '+34911234567',
  '+351211234567',
  '+56221234567',
  '+74951234567',
  '+74232123456',
  '+97611123456',
  '+262692123456',
  '+447911123456',
  '+33612345678',
  '+8613800138000',
  '+919876543210',
  '+390612345678',
  '+5493815551234',
  '+4791234567',
  '+35840123456',
])('%s has one zone', (number) => {
  expect(findZones(number)).toHaveLength(1);
});

it('has one zone for whatever follows an area code that is in one', () => {
  const whole = ['1907', '5581', '5591', '6188', '7845', '52614', '213'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.stringMatching(/^[0-9]{7}$/), (prefix, rest) => {
      fc.pre(!/^1907(592|839)|^61889/.test(prefix + rest));
      expect(findZones(`+${prefix}${rest}`)).toEqual(findZones(`+${prefix}`));
    }),
  );
});

it('names zones that there are', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[1-9][0-9]{6,14}$/), (digits) => {
      for (const zone of findZones(`+${digits}`))
        expect(clockOf(zone).every(Number.isFinite)).toBe(true);
    }),
  );
});
